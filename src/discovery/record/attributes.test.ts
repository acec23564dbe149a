import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_ANNOUNCED_ADDRESSES, MAX_RELAY_URL_SIZE } from '../../limits.ts'
import { attributesOf, placesIn, recordName } from './attributes.ts'

test('recordName: is what iroh looks up', () => {
  // An example of iroh's documentation of its DNS server.
  const key = '1992d53c02cdc04566e5c0edb1ce83305cd550297953a047a445ea3264b54b18'
  assert.equal(recordName(key), '_iroh.dgjpkxyn3zyrk3zfads5duwdgbqpkwbjxfj4yt7rezidr3fijccy')
  assert.equal(recordName(key, 'example.org'), '_iroh.dgjpkxyn3zyrk3zfads5duwdgbqpkwbjxfj4yt7rezidr3fijccy.example.org')
})

test('attributesOf, placesIn: a record for each, and back', () => {
  const places = { addresses: ['10.0.0.1:26000', '[::1]:1', 'a.example:9'], relay: 'https://relay.example/' }
  const texts = ['relay=https://relay.example/', 'addr=10.0.0.1:26000', 'addr=[::1]:1', 'addr=a.example:9']
  assert.deepEqual(attributesOf(places), texts)
  assert.deepEqual(placesIn(texts), places)
  assert.deepEqual(placesIn(['addr=10.0.0.1:1 10.0.0.2:2', 'addr=10.0.0.1:1']), {
    addresses: ['10.0.0.1:1', '10.0.0.2:2'],
    relay: null,
  })
})

test('placesIn: leaves out what makes no sense, and all of it where too much is said', () => {
  const odd = [
    'addr=10.0.0.1:0',
    'addr=10.0.0.1',
    'addr=\0',
    'relay=ftp://x',
    'relay=',
    `relay=https://${'a'.repeat(MAX_RELAY_URL_SIZE)}`,
    'user-data=x',
    '',
  ]
  assert.equal(placesIn(odd), null)
  assert.deepEqual(placesIn([...odd, 'addr=10.0.0.1:1']), { addresses: ['10.0.0.1:1'], relay: null })
  const many = Array.from({ length: MAX_ANNOUNCED_ADDRESSES + 1 }, (_, i) => `addr=10.0.0.1:${i + 1}`)
  assert.equal(placesIn(many), null)
  assert.equal(placesIn(many.slice(1))?.addresses.length, MAX_ANNOUNCED_ADDRESSES)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from 'dns-packet'
import type { Answer } from 'dns-packet'
import fc from 'fast-check'
import { recordName } from '../record/index.ts'
import { decodePlaces, encodePlaces } from './endpoint-packet.ts'

const KEY = '1992d53c02cdc04566e5c0edb1ce83305cd550297953a047a445ea3264b54b18'
const PLACES = { addresses: ['10.0.0.1:26000', '[2001:db8::1]:1'], relay: 'https://relay.example/' }

test('encodePlaces: a DNS message of TXT records that anybody can read', () => {
  const bytes = encodePlaces(KEY, PLACES)
  const { type, id, answers = [] } = decode(bytes)
  assert.deepEqual([type, id], ['response', 0])
  assert.deepEqual(
    answers.map((answer) =>
      answer.type === 'TXT'
        ? [answer.type, answer.name, answer.ttl, Buffer.concat([answer.data].flat() as Buffer[]).toString()]
        : [],
    ),
    ['relay=https://relay.example/', 'addr=10.0.0.1:26000', 'addr=[2001:db8::1]:1'].map((text) => [
      'TXT',
      '_iroh.dgjpkxyn3zyrk3zfads5duwdgbqpkwbjxfj4yt7rezidr3fijccy',
      30,
      text,
    ]),
  )
  // One name, and then two bytes that point to it (RFC 1035, section 4.1.4), written out by hand.
  const name = `055f69726f6834${Buffer.from('dgjpkxyn3zyrk3zfads5duwdgbqpkwbjxfj4yt7rezidr3fijccy').toString('hex')}00`
  const one = encodePlaces(KEY, { addresses: ['1.2.3.4:5', '6.7.8.9:10'], relay: null }).toString('hex')
  const first = Buffer.from('addr=1.2.3.4:5').toString('hex')
  const second = Buffer.from('addr=6.7.8.9:10').toString('hex')
  assert.equal(one, `000080000000000200000000${name}001000010000001e000f0e${first}c00c001000010000001e0010${'0f'}${second}`)
})

test('encodePlaces, decodePlaces: there and back; what finds no room is left out', () => {
  assert.deepEqual(decodePlaces(KEY, encodePlaces(KEY, PLACES)), PLACES)
  const long = { addresses: ['10.0.0.1:1'], relay: `https://relay.example/${'a'.repeat(600)}` }
  assert.deepEqual(decodePlaces(KEY, encodePlaces(KEY, long)), long)
  const addresses = Array.from({ length: 16 }, (_, i) => `${String(i).repeat(60 / String(i).length)}.example:${i + 1}`)
  const fitting = encodePlaces(KEY, { addresses, relay: `https://relay.example/${'a'.repeat(2_000)}` })
  assert.ok(fitting.length <= 995 && fitting.length > 900, `${fitting.length} bytes`)
  assert.deepEqual(decodePlaces(KEY, fitting)?.addresses, addresses.slice(0, decodePlaces(KEY, fitting)?.addresses.length))
})

test('decodePlaces: takes uncompressed names, and nothing of other names, types and messages', () => {
  const say = (name: string, data: string, type: 'response' | 'query' = 'response'): Uint8Array =>
    encode({ type, answers: [{ type: 'TXT', name, data }] })
  assert.deepEqual(decodePlaces(KEY, say(recordName(KEY), 'addr=10.0.0.1:1')), { addresses: ['10.0.0.1:1'], relay: null })
  assert.equal(decodePlaces(KEY, say(recordName(KEY), 'addr=10.0.0.1:1', 'query')), null)
  assert.equal(decodePlaces(KEY, say(recordName('00'.repeat(32)), 'addr=10.0.0.1:1')), null)
  assert.equal(decodePlaces(KEY, say('_iroh', 'addr=10.0.0.1:1')), null)
  const many = Array.from({ length: 17 }, (_, i): Answer => ({
    type: 'TXT',
    name: recordName(KEY),
    data: `addr=10.0.0.1:${i + 1}`,
  }))
  assert.equal(decodePlaces(KEY, encode({ type: 'response', answers: many })), null)
})

test('decodePlaces: odd bytes give nothing, and no error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1_000 }), (bytes) => assert.equal(decodePlaces(KEY, bytes), null)),
    { numRuns: 200 },
  )
  const good = encodePlaces(KEY, PLACES)
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
      const odd = Buffer.from(good)
      odd[at] = byte
      decodePlaces(KEY, odd)
      decodePlaces(KEY, odd.subarray(0, at))
    }),
    { numRuns: 500 },
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from './load-config.ts'
import { relayList } from './parsers.ts'

const ARGV = ['--node-id', '1', '--iroh-relay-urls', 'https://relay.example']

test('loadConfig: refuses relays that nothing would use', () => {
  const refusal = { message: /transport is direct \(flag --transport\).*--iroh-relay-urls.*auto or iroh/ }
  assert.throws(() => loadConfig({ argv: [...ARGV, '--transport', 'direct'], env: {}, readFile: () => '' }), refusal)
})

test('relayList: takes URLs of http and https, and a few of them', () => {
  assert.deepEqual(relayList.parse('https://relay.example,http://127.0.0.1:3340'), [
    'https://relay.example',
    'http://127.0.0.1:3340',
  ])
  assert.deepEqual(relayList.take(['https://relay.example']), ['https://relay.example'])
  for (const wrong of ['relay.example:443', 'ftp://relay.example', 'https://', `https://${'x'.repeat(3_000)}`]) {
    assert.equal(relayList.parse(wrong), undefined, wrong)
  }
  assert.equal(relayList.take(['https://a,https://b']), undefined)
  assert.equal(relayList.take(Array.from({ length: 17 }, (_, i) => `https://relay-${i}.example`)), undefined)
})

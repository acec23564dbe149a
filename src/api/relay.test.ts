import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_RELAY_URL_SIZE } from '../limits.ts'
import { isRelayUrl } from './relay.ts'

test('isRelayUrl: takes http and https with a host, and nobody else', () => {
  for (const url of [
    'https://relay.example',
    'http://127.0.0.1:3340/',
    'HTTPS://r.example:444/path?x=1',
    'https://[2001:db8::1]:443/',
  ])
    assert.ok(isRelayUrl(url), url)
  const wrong = [
    '',
    'relay',
    'ftp://x',
    'javascript:1',
    'https://',
    'https:///x',
    'https://user:pw@x',
    'https://u@x',
    'https://x y',
    'http://x:999999',
  ]
  for (const url of [...wrong, `https://${'r'.repeat(MAX_RELAY_URL_SIZE)}`]) assert.ok(!isRelayUrl(url), url)
})

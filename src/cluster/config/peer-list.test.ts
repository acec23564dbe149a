import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePeer, parsePeers } from './peer-list.ts'

const KEY = 'ab'.repeat(32)
const OTHER = '0c'.repeat(32)

test('parsePeer: reads a peer without a hint', () => {
  assert.deepEqual(parsePeer(`2@${KEY}`), { nodeId: 2, endpointId: KEY, addresses: [], relay: null })
})

test('parsePeer: reads an address or a relay URL as the hint', () => {
  assert.deepEqual(parsePeer(`2@${KEY}:127.0.0.1:26002`)?.addresses, ['127.0.0.1:26002'])
  assert.deepEqual(parsePeer(`2@${KEY}:[::1]:26002`)?.addresses, ['[::1]:26002'])
  assert.deepEqual(parsePeer(`2@${KEY}:node-2.local:26002`)?.addresses, ['node-2.local:26002'])
  const relayed = parsePeer(`2@${KEY}:https://relay.example.org:8443/path`)
  assert.deepEqual(relayed, { nodeId: 2, endpointId: KEY, addresses: [], relay: 'https://relay.example.org:8443/path' })
})

test('parsePeer: takes the endpoint id in either case and keeps the lower', () => {
  assert.equal(parsePeer(`2@${KEY.toUpperCase()}`)?.endpointId, KEY)
})

test('parsePeer: refuses what is not a peer', () => {
  const wrong = [
    '',
    '2',
    '2@',
    `@${KEY}`,
    `0@${KEY}`,
    `-1@${KEY}`,
    `2@${KEY.slice(1)}`,
    `2@${KEY}0`,
    `2@${KEY}:`,
    `2@${KEY}:host`,
  ]
  const more = [`2@${KEY}:26002`, `2@${KEY}:host:0`, `2@${KEY}:https://`, `9007199254740992@${KEY}`, `2@${'zz'.repeat(32)}`]
  for (const text of [...wrong, ...more]) assert.equal(parsePeer(text), undefined, text)
})

test('parsePeers: keeps the order, and joins the addresses of a peer that is named twice', () => {
  const peers = parsePeers(`3@${OTHER}, 2@${KEY}:a:1,2@${KEY}:b:2,2@${KEY}:http://r,2@${KEY}:a:1`)
  assert.deepEqual(peers, [
    { nodeId: 3, endpointId: OTHER, addresses: [], relay: null },
    { nodeId: 2, endpointId: KEY, addresses: ['a:1', 'b:2'], relay: 'http://r' },
  ])
})

test('parsePeers: refuses the whole list when one part is wrong', () => {
  assert.equal(parsePeers(`2@${KEY},3@nonsense`), undefined)
  assert.deepEqual(parsePeers(''), [])
})

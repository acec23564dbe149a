import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_ADDRESS_SIZE, MAX_MEMBER_ADDRESSES, MAX_RELAY_URL_SIZE } from '../limits.ts'
import { checkPeer } from './check-peer.ts'
import type { AddPeerRequest } from './cluster-controller.ts'

const PEER: AddPeerRequest = { nodeId: 2, endpointId: 'ab'.repeat(32), addresses: [] }

function refused(parts: Partial<AddPeerRequest>, message: RegExp): void {
  assert.throws(() => checkPeer({ ...PEER, ...parts }), { name: 'AspenError', code: 'INVALID_REQUEST', message })
}

test('checkPeer: takes so many addresses, each so long, and so long a relay', () => {
  checkPeer(PEER)
  checkPeer({ ...PEER, relay: null })
  const addresses = Array.from({ length: MAX_MEMBER_ADDRESSES }, () => 'a'.repeat(MAX_ADDRESS_SIZE))
  checkPeer({ ...PEER, addresses, relay: 'https://r.example/'.padEnd(MAX_RELAY_URL_SIZE, 'r') })
})

test('checkPeer: says what is too much, and how much is allowed', () => {
  refused({ addresses: Array.from({ length: 33 }, () => 'host:1') }, /33 addresses; at most 32/)
  refused({ addresses: ['host:1', 'a'.repeat(513), 'host:2'] }, /an address of the peer has 513 characters; at most 512/)
  refused({ relay: 'https://r.example/'.padEnd(2049, 'r') }, /the relay of the peer has 2049 characters; at most 2048/)
})

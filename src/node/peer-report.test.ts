import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PeerBook } from '../peers/index.ts'
import type { GossipReport } from '../peers/index.ts'
import type { PeerReport } from '../ports/index.ts'
import { knownPeers, peersReport } from './peer-report.ts'

const idOf = (number: number): string => number.toString(16).padStart(64, '0')
const report = (number: number, change: Partial<PeerReport> = {}): PeerReport => {
  return { endpointId: idOf(number), state: 'waiting', claims: null, lastError: null, path: null, ...change }
}

function parts(reports: readonly PeerReport[]): Parameters<typeof peersReport>[0] & { readonly peerBook: PeerBook } {
  const peerBook = new PeerBook({ now: () => 1_000 })
  return { peerBook, clock: { now: () => 5_000.4 }, transport: { endpointId: idOf(1), peers: () => reports } }
}

test('peersReport: joins the book and the links, whoever counts most first', () => {
  const claims = { nodeId: 7, clusterId: null, addresses: [], languageVersion: 1 }
  const own = parts([report(1), report(2, { state: 'connected', path: 'direct' }), report(7, { claims, state: 'connected' })])
  own.peerBook.add({ endpointId: idOf(3), nodeId: 3, addresses: ['g:3'] }, 'gossip')
  own.peerBook.add({ endpointId: idOf(4), nodeId: 4, addresses: ['a:4'], relay: 'r' }, 'add-peer')
  own.peerBook.add({ endpointId: idOf(2), nodeId: 2, addresses: ['g:2'] }, 'gossip')
  own.peerBook.add({ endpointId: idOf(2), nodeId: 2, addresses: ['m:2'] }, 'membership')
  const { peers } = peersReport(own, { gossip: null, discoveries: [] })
  assert.deepEqual(
    peers.map(({ nodeId, standing, state }) => [nodeId, standing, state]),
    [
      [2, 'member', 'connected'],
      [4, 'named', 'known'],
      [3, 'stranger', 'known'],
      [7, 'stranger', 'connected'],
    ],
  )
  assert.deepEqual(peers[0]?.sources, [
    { source: 'membership', addresses: ['m:2'], ageMs: 4_000 },
    { source: 'gossip', addresses: ['g:2'], ageMs: 4_000 },
  ])
  assert.deepEqual([peers[0]?.path, peers[1]?.relay, peers[3]?.sources], ['direct', 'r', []])
})

test('peersReport: says how each source is doing, and what was refused of gossip', () => {
  const own = parts([])
  own.peerBook.add({ endpointId: idOf(3), nodeId: 3, addresses: [] }, 'gossip')
  const heard = {
    new: 1,
    changed: 0,
    fresh: 0,
    old: 9,
    skewed: 0,
    'other-cluster': 1,
    full: 0,
    limited: 0,
    forged: 2,
    malformed: 0,
  }
  const gossip: GossipReport = { known: 1, neighbours: 1, sentBytes: 2, receivedBytes: 3, heard }
  const mdns = { source: 'mdns', detail: 'on eth0', lastError: 'no route' } as const
  const { sources } = peersReport(own, { gossip, discoveries: [mdns] })
  const by = (name: string): unknown => sources.find(({ source }) => source === name)
  assert.deepEqual(by('gossip'), {
    source: 'gossip',
    detail: 'announcements of 1 peers through 1 neighbours; 3 bytes heard, 2 said',
    peers: 1,
    lastError: 'announcements refused: 2 not signed by whom they were about',
  })
  assert.deepEqual(by('mdns'), { ...mdns, peers: 0 })
})

test('knownPeers: counts by source and link', () => {
  const own = parts([report(2, { state: 'connected' }), report(3)])
  for (const number of [2, 3, 4]) own.peerBook.add({ endpointId: idOf(number), nodeId: number, addresses: [] }, 'gossip')
  own.peerBook.add({ endpointId: idOf(2), nodeId: 2, addresses: [] }, 'link')
  assert.deepEqual(knownPeers(own), [
    { source: 'gossip', connected: true, peers: 1 },
    { source: 'link', connected: true, peers: 1 },
    { source: 'gossip', connected: false, peers: 2 },
  ])
})

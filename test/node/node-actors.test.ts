import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_PEERS, MIN_PEERS } from '../../src/limits.ts'
import { gossipActor } from '../../src/node/actors/gossip-actor.ts'
import { raftRpcServerActor } from '../../src/node/actors/raft-rpc-server-actor.ts'
import { PeerBook } from '../../src/peers/index.ts'
import type { PeerHint } from '../../src/peers/index.ts'
import type { ConnectionStats } from '../../src/ports/index.ts'
import { Stage, watch } from '../actor/stage.ts'

const hint = (nodeId: number): PeerHint => ({
  endpointId: nodeId.toString(16).padStart(64, '0'),
  nodeId,
  addresses: [`127.0.0.1:${nodeId}`],
})

describe('GossipActor', () => {
  test('PeerDiscovered, GetPeers, GetStats: what is heard enters the book, which outlives the actor', async () => {
    const stage = new Stage()
    const book = new PeerBook({ capacity: 2 })
    const refused: number[] = []
    const noRoom = ({ nodeId }: PeerHint): void => void refused.push(nodeId ?? 0)
    const gossip = stage.system.spawn(gossipActor, { argument: { book, noRoom, gossip: null } })
    gossip.cast('PeerDiscovered', { hint: hint(1), source: 'link' })
    gossip.cast('PeerDiscovered', { hint: hint(1), source: 'link' })
    gossip.cast('PeerDiscovered', { hint: hint(2), source: 'link' })
    gossip.cast('PeerDiscovered', { hint: hint(3), source: 'link' })
    gossip.cast('PeerDiscovered', { hint: hint(4), source: 'gossip' })
    gossip.cast('PeerDiscovered', { hint: { ...hint(5), endpointId: 'nonsense' }, source: 'link' })
    const [peers, stats] = [watch(gossip.call('GetPeers')), watch(gossip.call('GetStats'))]
    await stage.rest()
    assert.deepEqual(
      peers.value?.map(({ nodeId }) => nodeId),
      [1, 2],
    )
    const heard = { added: 2, changed: 0, unchanged: 1, full: 2, invalid: 1, unwanted: 0 }
    assert.deepEqual(stats.value, { known: 2, maxPeers: 2, heard, gossip: null })
    assert.deepEqual(refused, [3], 'hearsay has no claim to room')
    const restarted = watch(gossip.restart())
    const after = watch(gossip.call('GetPeers'))
    await stage.rest()
    assert.deepEqual([restarted.settled, after.value?.length], [true, 2])
  })

  test('SetMaxPeers: within bounds; of too many, those whom nobody has named go first, and whom somebody has named stays', async () => {
    const stage = new Stage()
    const book = new PeerBook({ capacity: MAX_PEERS })
    const gossip = stage.system.spawn(gossipActor, { argument: { book, noRoom: () => undefined, gossip: null } })
    for (let id = 1; id <= MIN_PEERS + 50; id++) book.add(hint(id), id <= MIN_PEERS + 10 ? 'membership' : 'gossip')
    for (const wrong of [0, MIN_PEERS - 1, MAX_PEERS + 1, 300.5, Number.NaN]) {
      const asked = watch(gossip.call('SetMaxPeers', wrong))
      await stage.rest()
      assert.match(asked.error?.message ?? '', /^the book has room for 200 to 1000 peers, not for /)
    }
    assert.equal(book.entries().length, MIN_PEERS + 50)
    const asked = watch(gossip.call('SetMaxPeers', MIN_PEERS))
    await stage.rest()
    assert.deepEqual([asked.settled, asked.error, book.capacity], [true, undefined, MIN_PEERS])
    assert.equal(book.entries().length, MIN_PEERS + 10, 'members stay')
    assert.equal(book.add(hint(999), 'gossip'), 'full')
  })
})

describe('RaftRpcServerActor', () => {
  const transport = (
    open: number,
    start: number,
  ): { incoming: { stats: ConnectionStats; limits: { min: number; max: number }; limit(max: number): void } } => {
    let max = start
    return {
      incoming: {
        get stats() {
          return { open, pending: 1, max, accepted: 9, refused: 4 }
        },
        limits: { min: 1, max: 500 },
        limit: (to) => void (max = to),
      },
    }
  }

  test('GetStats, SetMaxConnections, HealthCheck: the limit is the transport’s, and outlives the actor', async () => {
    const stage = new Stage()
    const rpc = stage.system.spawn(raftRpcServerActor, { argument: transport(7, 500) })
    const healthy = watch(rpc.call('HealthCheck'))
    await stage.rest()
    assert.deepEqual(healthy.value, { healthy: true, detail: '7 of 500 connections, 4 refused' })
    for (const wrong of [0, 501, 2.5, Number.NaN]) {
      const asked = watch(rpc.call('SetMaxConnections', wrong))
      await stage.rest()
      assert.match(asked.error?.message ?? '', /^this process may have 1 to 500 connections, not /)
    }
    rpc.cast('SetMaxConnections', 7)
    const restarted = watch(rpc.restart())
    await stage.rest()
    assert.ok(restarted.settled)
    const [full, stats] = [watch(rpc.call('HealthCheck')), watch(rpc.call('GetStats'))]
    await stage.rest()
    assert.deepEqual(full.value, { healthy: false, detail: 'all 7 connections are taken: others are refused' })
    assert.deepEqual(stats.value, { open: 7, pending: 1, max: 7, accepted: 9, refused: 4 })
  })

  test('where connections are not counted, it says so', async () => {
    const stage = new Stage()
    const rpc = stage.system.spawn(raftRpcServerActor, { argument: {} })
    const [stats, limited] = [watch(rpc.call('GetStats')), watch(rpc.call('SetMaxConnections', 5))]
    await stage.rest()
    assert.deepEqual(stats.value, { open: 0, pending: 0, max: 0, accepted: 0, refused: 0 })
    assert.match(limited.error?.message ?? '', /not counted here/)
  })
})

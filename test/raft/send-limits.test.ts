/** How much a leader sends to one peer before that answers: several windows of volume under one reign, looked at message by message. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AppendRequest, Message } from '../../src/raft/index.ts'
import { grownNode, HandCluster } from './hand-cluster.ts'

const LIMITS = { appendBytes: 100, inflightAppends: 4, inflightBytes: 250 }

function ledBy1(): HandCluster {
  const cluster = new HandCluster()
  for (const id of [1, 2]) cluster.nodes.set(id, grownNode(id, [1, 2], [], 0, LIMITS))
  while (cluster.node(1).raft.role !== 'leader') {
    cluster.advance(3_001, [1])
    cluster.settle()
  }
  return cluster
}

function appendsIn(wire: readonly Message[]): AppendRequest[] {
  return wire.filter((message): message is AppendRequest => message.type === 'append' && message.count > 0)
}

function bytesOf({ entries }: AppendRequest): number {
  return entries.reduce((sum, { payload }) => sum + payload.length, 0)
}

/** The sizes of the payloads of each append that the leader has out, before any is answered. */
function sent(cluster: HandCluster, sizes: readonly number[]): number[][] {
  for (const size of sizes) cluster.node(1).raft.propose(new Uint8Array(size))
  cluster.take(1)
  return appendsIn(cluster.wire).map(({ entries }) => entries.map(({ payload }) => payload.length))
}

test('Raft: an append holds as many entries as its bytes allow, and one that is larger alone', () => {
  assert.deepEqual(sent(ledBy1(), [60, 40, 1, 500]), [[60, 40], [1], [500]])
})

test('Raft: what is unanswered has at most so many bytes, but for the last append', () => {
  assert.deepEqual(sent(ledBy1(), [100, 60, 40, 60, 40, 100]), [[100], [60, 40], [60, 40]])
  assert.deepEqual(sent(ledBy1(), [300, 1]), [[300]])
})

test('Raft: what is unanswered has at most so many appends', () => {
  assert.deepEqual(sent(ledBy1(), [60, 60, 60, 60, 60]), [[60], [60], [60], [60]])
})

test('Raft: each window of a reign is as wide as the first', () => {
  const cluster = ledBy1()
  const { raft } = cluster.node(1)
  const { term } = raft
  for (let i = 0; i < 100; i++) raft.propose(new Uint8Array(90 + (i % 11)))
  let windows = 0
  for (; raft.commitIndex < raft.lastLog.index; windows++) {
    assert.ok(windows < 100, `the leader has stopped sending at entry ${raft.commitIndex} of ${raft.lastLog.index}`)
    cluster.take(1)
    cluster.persist(1)
    const out = appendsIn(cluster.wire)
    const before = out.slice(0, -1).reduce((sum, each) => sum + bytesOf(each), 0)
    assert.ok(before < LIMITS.inflightBytes && out.length <= LIMITS.inflightAppends)
    // Each holds one entry, and the third passes the bytes.
    assert.ok(windows === 0 || out.length === 3 || raft.lastLog.index - raft.commitIndex < 6)
    cluster.deliver(({ to }) => to === 2)
    while (cluster.take(2) !== undefined);
    cluster.persist(2)
    cluster.deliver(({ to }) => to === 1)
  }
  assert.ok(windows > 30, `${windows} windows`)
  assert.equal(raft.term, term)
})

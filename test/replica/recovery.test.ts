import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../src/raft/index.ts'
import { RecoveryError } from '../../src/replica/index.ts'
import { openMemoryStateMachine, openSegmentedLog, openSnapshotFiles } from '../../src/storage/index.ts'
import { encodeMembership } from '../../src/wire/index.ts'
import { CLUSTER, envelope, World } from './world.ts'
import type { Node } from './world.ts'

const LOG = { storeId: 'ab'.repeat(16), segmentSize: 4096 }

function entriesOf(node: Node, count: number, term: number): Entry[] {
  const membership = { voters: [node.id], outgoing: [], learners: [], members: [node.member] }
  return Array.from({ length: count }, (_, i): Entry => {
    const index = i + 1
    if (index === 1) return { index, term, kind: 'membership', payload: encodeMembership(membership), membership }
    return { index, term, kind: 'command', payload: envelope(`key ${index}`) }
  })
}

/** Puts a snapshot of the state after these entries into the node's store. */
function storeSnapshot(world: World, node: Node, entries: readonly Entry[]): void {
  const defer = (run: () => void): void => world.clock.defer(run)
  const snapshots = openSnapshotFiles(node.snapshotDisk, { defer })
  const state = openMemoryStateMachine({ snapshots, volatile: true, defer })
  state.apply(entries)
  state.takeSnapshot(CLUSTER, (error) => assert.equal(error, undefined))
  world.clock.settle()
  snapshots.close()
}

test('openReplica: the term is never below that of the snapshot which replaces the log', () => {
  const world = new World()
  const node = world.node(1)
  const defer = (run: () => void): void => world.clock.defer(run)
  const log = openSegmentedLog(node.logDisk, { ...LOG, defer })
  log.write([{ clusterId: CLUSTER, hardState: { term: 2, votedFor: 3 }, entries: [] }], () => undefined)
  world.clock.settle()
  log.close(() => undefined)
  world.clock.settle()
  storeSnapshot(world, node, entriesOf(node, 9, 5))
  startVolatile(world, node, (error, term) => {
    assert.equal(error, undefined)
    assert.ok(term !== undefined && term >= 5, `term ${term} behind a log that ends in term 5`)
  })
})

test('openReplica: refuses a state behind the purged position when the snapshot is behind it too, and keeps the log', () => {
  const world = new World()
  const node = world.node(1)
  const defer = (run: () => void): void => world.clock.defer(run)
  const entries = entriesOf(node, 200, 1)
  const log = openSegmentedLog(node.logDisk, { ...LOG, defer })
  for (const entry of entries) {
    log.write(
      [{ ...(entry.index === 1 ? { clusterId: CLUSTER } : {}), hardState: { term: 1, votedFor: 1 }, entries: [entry] }],
      () => undefined,
    )
    world.clock.settle()
  }
  log.purge(150, () => undefined)
  world.clock.settle()
  log.close(() => undefined)
  world.clock.settle()
  storeSnapshot(world, node, entries.slice(0, 9))
  startVolatile(world, node, (error) =>
    assert.ok(error instanceof RecoveryError, `opened: ${error?.message ?? 'without an error'}`),
  )
  const { recovered } = openSegmentedLog(node.logDisk, { ...LOG, defer })
  assert.equal(recovered.purged.index + recovered.entries.length, 200, 'entries that others count on are still there')
})

/** Opens the node over a state machine that has lost everything. */
function startVolatile(world: World, node: Node, opened: (error: Error | undefined, term?: number) => void): void {
  let reported = false
  node.open({ volatile: true }, (error, server) => {
    reported = true
    opened(error, server?.raft.view.term)
  })
  world.clock.settle()
  assert.ok(reported)
}

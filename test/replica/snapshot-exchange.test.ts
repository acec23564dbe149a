import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DiskFile, StoredSnapshot } from '../../src/ports/index.ts'
import type { Entry, Membership } from '../../src/raft/index.ts'
import { MemoryDisk, openMemoryStateMachine, openSnapshotFiles } from '../../src/storage/index.ts'
import type { SnapshotFiles } from '../../src/storage/index.ts'
import { encodeMembership } from '../../src/wire/index.ts'
import { CLUSTER, endpointOf, envelope, HandPeer, World } from './world.ts'
import type { Node } from './world.ts'

function membershipOf(follower: Node): Membership {
  return {
    voters: [1],
    outgoing: [],
    learners: [2],
    members: [{ id: 1, endpointId: endpointOf(1), addresses: [] }, follower.member],
  }
}

/** The snapshot of a log of `count` entries, and its bytes. */
function snapshotAt(world: World, follower: Node, count: number, term: number): { snapshot: StoredSnapshot; bytes: Uint8Array } {
  const defer = (run: () => void): void => world.clock.defer(run)
  const membership = membershipOf(follower)
  const entries = Array.from({ length: count }, (_, i): Entry => {
    if (i === 0) return { index: 1, term: 0, kind: 'membership', payload: encodeMembership(membership), membership }
    return { index: i + 1, term, kind: 'command', payload: envelope(`key ${i}`) }
  })
  const snapshots: SnapshotFiles = openSnapshotFiles(new MemoryDisk(defer), { defer })
  const state = openMemoryStateMachine({ snapshots, volatile: true, defer })
  state.apply(entries)
  let snapshot: StoredSnapshot | undefined
  state.takeSnapshot(CLUSTER, (error, stored) => {
    assert.equal(error, undefined)
    snapshot = stored
  })
  world.clock.settle()
  assert.ok(snapshot !== undefined)
  let bytes: Uint8Array = new Uint8Array(0)
  snapshots.read(snapshot.id, 0, snapshot.sizeBytes, (_error, read) => (bytes = read))
  world.clock.settle()
  return { snapshot, bytes }
}

test('replica: a second snapshot that arrives while the log is busy does not stop the node', () => {
  const world = new World()
  const leader = new HandPeer(world, 1)
  const follower = world.node(2)
  const first = snapshotAt(world, follower, 5, 1)
  const second = snapshotAt(world, follower, 8, 1)
  follower.start()
  leader.start(CLUSTER)
  leader.connect(follower)
  world.clock.advance(100)
  const beat = (): void => {
    leader.say(2, { type: 'raft', message: { type: 'heartbeat', from: 1, to: 2, term: 1, commit: 0, incarnation: 1, round: 0 } })
    world.clock.settle()
  }
  beat()
  // The disk of the log takes its time over one entry, on which the first snapshot's restore has to wait.
  const release = follower.stallLog()
  const membership = membershipOf(follower)
  const founding: Entry = { index: 1, term: 0, kind: 'membership', payload: encodeMembership(membership), membership }
  leader.say(2, {
    type: 'raft',
    message: {
      type: 'append',
      from: 1,
      to: 2,
      term: 1,
      prev: { term: 0, index: 0 },
      count: 1,
      entries: [founding],
      commit: 0,
      incarnation: 1,
      round: 0,
    },
  })
  world.clock.settle()
  for (const { snapshot, bytes } of [first, second]) {
    leader.say(2, { type: 'snapshot-chunk', from: 1, term: 1, snapshot, position: 0, bytes })
    world.clock.settle()
  }
  release()
  world.clock.advance(20)
  assert.deepEqual(follower.fatal, [])
  assert.equal(follower.replica.view.appliedIndex, 8)
})

/** A disk whose next sync fails. What it was to keep may be lost, though it still reads back; later syncs succeed. */
class SyncFailingDisk extends MemoryDisk {
  failures = 1
  readonly #later: (run: () => void) => void

  constructor(defer: (run: () => void) => void) {
    super(defer)
    this.#later = defer
  }

  override open(name: string): DiskFile {
    const file = super.open(name)
    const sync = file.sync.bind(file)
    file.sync = (done): void => {
      if (this.failures-- > 0) this.#later(() => done(new Error('EIO')))
      else sync(done)
    }
    return file
  }
}

test('SnapshotFiles: a snapshot whose sync failed is received again from its first byte', () => {
  const world = new World()
  const { snapshot, bytes } = snapshotAt(world, world.node(2), 5, 1)
  const defer = (run: () => void): void => world.clock.defer(run)
  const snapshots = openSnapshotFiles(new SyncFailingDisk(defer), { defer })
  assert.equal(snapshots.receive(snapshot), 0)
  const outcomes: (string | undefined)[] = []
  snapshots.write(snapshot.id, 0, bytes, (error) => outcomes.push(error?.message))
  snapshots.finish(snapshot.id, (error) => outcomes.push(error?.message))
  world.clock.settle()
  assert.deepEqual(outcomes, [undefined, 'EIO'])
  assert.equal(snapshots.receive(snapshot), 0, 'what reads back now may be gone after a power cut')
})

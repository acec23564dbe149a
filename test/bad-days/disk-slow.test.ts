/** Disks that stall, and disks that are slow for good: who leads, how many elections it takes, and what is served. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from '../replica/world.ts'
import type { Node } from '../replica/world.ts'
import { faultyDisk } from './disk-faults.ts'

/** Of the world. */
const ELECTION_TIMEOUT_MIN_MS = 150
const SWEEP_MS = 50
const STALL_MS = 5_000
const SLOW_SYNC_MS = 50

function write(world: World, node: Node, key: string): string {
  const outcomes: string[] = []
  node.write(key, outcomes)
  world.clock.until(() => outcomes.length > 0, `an answer to ${key}`)
  return outcomes[0] as string
}

const elections = (nodes: readonly Node[]): number =>
  nodes.reduce((sum, { replica }) => sum + replica.view.counters.electionsStarted, 0)

test('the disk of the leader stalls: it hands over within an election timeout and two looks, in one election, and follows when it is back', () => {
  const world = new World()
  const nodes = world.cluster([1, 2, 3])
  const [leader, other] = nodes as [Node, Node]
  assert.equal(write(world, leader, 'before'), 'ok')
  const before = elections(nodes)
  const { term } = leader.replica.view

  const release = leader.stallLog()
  const stalledAt = world.clock.now()
  const outcomes: string[] = []
  leader.write('in-the-stall', outcomes)
  world.clock.until(() => other.replica.view.leader !== 1 && other.replica.view.leader !== null, 'another leads')
  const handedOverMs = world.clock.now() - stalledAt
  console.log(`handed over after ${handedOverMs} ms, elections: ${elections(nodes) - before}`)
  assert.ok(handedOverMs <= ELECTION_TIMEOUT_MIN_MS + 2 * SWEEP_MS, `it took ${handedOverMs} ms`)

  for (let i = 0; i < 20; i++) assert.equal(write(world, other, `meanwhile-${i}`), 'ok')
  world.clock.advance(STALL_MS)
  assert.equal(elections(nodes) - before, 1, 'the stall makes one election, not a storm')
  assert.equal(other.replica.view.term, term + 1)

  release()
  world.clock.until(() => leader.replica.view.leader === other.replica.view.leader, 'the node follows')
  const goal = other.replica.view.commitIndex
  world.clock.until(() => leader.replica.view.appliedIndex >= goal, 'the node has caught up')
  for (let i = 0; i < 20; i++) assert.equal(leader.localValue(`meanwhile-${i}`), `meanwhile-${i}`)
  world.clock.advance(STALL_MS)
  assert.equal(elections(nodes) - before, 1, 'its return disturbs nobody')
  // What it had accepted went to the others before the disk stalled, and was decided without it.
  assert.deepEqual(outcomes, ['ok'])
  assert.deepEqual(leader.fatal, [])
})

test('the disk of a follower stalls: nobody else notices, and it follows when it is back', () => {
  const world = new World()
  const nodes = world.cluster([1, 2, 3])
  const [leader, , follower] = nodes as [Node, Node, Node]
  const before = elections(nodes)
  const release = follower.stallLog()
  for (let i = 0; i < 50; i++) assert.equal(write(world, leader, `key-${i}`), 'ok')
  world.clock.advance(STALL_MS)
  assert.deepEqual([elections(nodes) - before, leader.replica.view.role], [0, 'leader'])
  release()
  world.clock.until(() => follower.localValue('key-49') === 'key-49', 'the follower has caught up')
  world.clock.advance(STALL_MS)
  assert.deepEqual([elections(nodes) - before, leader.replica.view.role], [0, 'leader'])
})

/** A node whose every sync takes its time. */
class SlowWorld extends World {
  readonly #slow: number

  constructor(slow: number) {
    super()
    this.#slow = slow
  }

  override node(id: number): Node {
    const node = super.node(id)
    const { clock } = this
    const delay = (run: () => void): void => void clock.setTimer(SLOW_SYNC_MS, run)
    if (id === this.#slow) node.disk = (disk) => faultyDisk(disk, { delay, defer: (run) => clock.defer(run) })
    return node
  }
}

for (const [who, slow] of [
  ['leader', 1],
  ['follower', 3],
] as const) {
  test(`every sync of the ${who} takes 50 ms: it stays what it is, and no write waits for more than the others need`, () => {
    const world = new SlowWorld(slow)
    const nodes = world.cluster([1, 2, 3])
    const [leader] = nodes as [Node]
    const before = elections(nodes)
    const { term } = leader.replica.view
    let longestMs = 0
    for (let i = 0; i < 100; i++) {
      const startedAt = world.clock.now()
      assert.equal(write(world, leader, `key-${i}`), 'ok')
      longestMs = Math.max(longestMs, world.clock.now() - startedAt)
      world.clock.advance(20)
    }
    console.log(`${who} with syncs of ${SLOW_SYNC_MS} ms: 100 writes, the longest ${longestMs} ms`)
    assert.deepEqual([elections(nodes) - before, leader.replica.view.term, leader.replica.view.role], [0, term, 'leader'])
    assert.ok(longestMs < SLOW_SYNC_MS, 'two sound disks are a majority: no write waits for the slow one')
    world.clock.until(() => nodes.every((node) => node.localValue('key-99') === 'key-99'), 'all have everything')
  })
}

/** Whole nodes of which one has gone wrong: who notices, who stops, and who goes on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../src/raft/index.ts'
import { DivergedState } from '../../src/replica/index.ts'
import { codeOf, envelope, World } from './world.ts'
import type { Node } from './world.ts'

const key = (payload: Uint8Array): string => Buffer.from(payload).toString('latin1')

/** From now on the node takes the command that writes `wrong` for one that writes something else. */
function damage(node: Node, wrong: string, instead = `${wrong}, damaged on ${node.id}`): void {
  node.misread = (entry: Entry) =>
    entry.kind === 'command' && key(entry.payload).includes(wrong) ? { ...entry, payload: envelope(instead) } : entry
}

function write(world: World, node: Node, name: string): void {
  const outcomes: string[] = []
  node.write(name, outcomes)
  world.clock.until(() => outcomes.length > 0, `the write of ${name}`)
  assert.deepEqual(outcomes, ['ok'])
}

/** Long enough for the last entry to be compared. */
const IDLE_MS = 5_000

function assertDiverged(node: Node): void {
  assert.equal(node.fatal.length, 1, `node ${node.id} goes on`)
  const [error] = node.fatal
  assert.ok(error instanceof DivergedState, String(error))
}

function assertSound(...nodes: Node[]): void {
  for (const node of nodes) assert.deepEqual(node.fatal, [], `node ${node.id} stopped`)
}

test('digests: equal replicas compare them when idle and every 1024 entries, and nobody minds', () => {
  const world = new World()
  const nodes = world.cluster([1, 2, 3])
  write(world, nodes[0] as Node, 'a')
  world.clock.advance(IDLE_MS)
  for (const node of nodes) {
    const { appliedIndex, digests } = node.replica.view
    assert.deepEqual(digests, { index: appliedIndex, disputedIndex: null, isDisputed: false })
  }
})

test('digests: a follower that a majority disagrees with stops when idle, says why, and the others go on', () => {
  const world = new World()
  const [one, two, three] = world.cluster([1, 2, 3]) as [Node, Node, Node]
  damage(two, 'a')
  write(world, one, 'a')
  world.clock.advance(IDLE_MS)
  assertDiverged(two)
  assertSound(one, three)
  assert.ok(one.replica.view.digests.disputedIndex !== null)
  write(world, one, 'b')
  world.clock.advance(IDLE_MS)
  assert.equal(one.replica.view.digests.isDisputed, false, 'those that are left agree')
})

test('digests: under load it stops within 1024 entries', () => {
  const world = new World()
  const [one, two, three] = world.cluster([1, 2, 3]) as [Node, Node, Node]
  damage(three, 'the wrong one')
  const outcomes: string[] = []
  one.write('the wrong one', outcomes)
  const end = one.replica.view.appliedIndex + 1100
  for (let i = 0; one.replica.view.appliedIndex < end; i++) {
    one.write(`key ${i % 10}`, outcomes)
    if (i % 50 === 0) world.clock.advance(5)
  }
  world.clock.advance(50)
  assertDiverged(three)
  assertSound(one, two)
})

test('digests: a leader that a majority disagrees with hands over, and stops', () => {
  const world = new World()
  const [one, two, three] = world.cluster([1, 2, 3]) as [Node, Node, Node]
  damage(one, 'a')
  write(world, one, 'a')
  const term = one.replica.view.term
  world.clock.until(() => one.fatal.length > 0, 'the leader stops')
  assertDiverged(one)
  assertSound(two, three)
  const leads = [two, three].filter((node) => node.replica.view.role === 'leader')
  assert.equal(leads.length, 1, 'somebody leads when it stops')
  assert.equal(leads[0]?.replica.view.term, term + 1)
  write(world, leads[0], 'b')
})

test('digests: with no majority for any state all go on, and say so until they agree', () => {
  const world = new World()
  const nodes = world.cluster([1, 2, 3]) as [Node, Node, Node]
  for (const node of nodes) damage(node, 'a', `a of ${node.id}`)
  write(world, nodes[0], 'a')
  world.clock.advance(IDLE_MS)
  assertSound(...nodes)
  for (const node of nodes) assert.equal(node.replica.view.digests.isDisputed, true, `node ${node.id} does not alarm`)
})

test('digests: of two voters, neither is a majority', () => {
  const world = new World()
  const [one, two] = world.cluster([1, 2]) as [Node, Node]
  damage(two, 'a')
  write(world, one, 'a')
  world.clock.advance(IDLE_MS)
  assertSound(one, two)
  for (const node of [one, two]) assert.equal(node.replica.view.digests.isDisputed, true)
})

/** The node starts again on its disks, and reads entries as they are. */
function restart(node: Node, others: readonly Node[]): void {
  node.crash()
  node.fatal.length = 0
  node.misread = (entry) => entry
  node.start()
  for (const other of others) node.connect(other)
}

test('digests: a stopped node does not use its own state again, and returns by a snapshot of the leader', () => {
  const world = new World()
  const [one, two, three] = world.cluster([1, 2, 3]) as [Node, Node, Node]
  for (let i = 0; i < 50; i++) write(world, one, `key ${i}`)
  damage(two, 'wrong')
  write(world, one, 'wrong')
  world.clock.until(() => two.fatal.length > 0, 'node 2 stops')
  assertDiverged(two)
  restart(two, [one, three])
  assert.equal(two.awaitsSnapshot, true)
  const read: string[] = []
  two.replica.read(world.clock.now() + 1_000, (error) => read.push(error === undefined ? 'ok' : codeOf(error)))
  world.clock.settle()
  assert.deepEqual(read, ['NOT_APPLIED'])
  two.replica.takeSnapshot((error) => read.push(error === undefined ? 'ok' : codeOf(error)))
  world.clock.settle()
  assert.equal(read[1], 'NOT_APPLIED')
  world.clock.until(() => !two.awaitsSnapshot, 'a snapshot')
  world.clock.until(() => two.localValue('wrong') === 'wrong', 'it has what it had damaged')
  write(world, one, 'later')
  world.clock.until(() => two.localValue('later') === 'later', 'it goes on')
  world.clock.advance(IDLE_MS)
  assertSound(one, two, three)
  restart(two, [one, three])
  assert.equal(two.awaitsSnapshot, false)
  assert.equal(two.localValue('wrong'), 'wrong', 'it keeps the state that it was brought')
  world.clock.advance(IDLE_MS)
  assertSound(one, two, three)
})

test('digests: a node that waits for a snapshot votes and stores entries; entries acknowledged with it are kept', () => {
  const world = new World()
  const [one, two, three] = world.cluster([1, 2, 3]) as [Node, Node, Node]
  damage(two, 'wrong')
  write(world, one, 'wrong')
  world.clock.until(() => two.fatal.length > 0, 'node 2 stops')
  three.crash()
  // Its snapshots do not leave: it stays as it is.
  one.refusesSnapshots = true
  restart(two, [one])
  write(world, one, 'with two alone')
  assert.equal(two.awaitsSnapshot, true)
  one.crash()
  three.start()
  three.connect(two)
  world.clock.until(() => three.replica.view.role === 'leader', 'node 3 leads, by the vote of node 2 and with its log', 60_000)
  world.clock.until(() => three.localValue('with two alone') !== undefined, 'the entry is not lost')
  world.clock.until(() => !two.awaitsSnapshot, 'node 3 brings it a snapshot')
  world.clock.until(() => two.localValue('with two alone') !== undefined, 'it goes on behind it')
  write(world, three, 'later')
})

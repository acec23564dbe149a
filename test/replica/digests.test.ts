/** Whole nodes of which one has gone wrong: who notices, who stops, and who goes on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../src/raft/index.ts'
import { DivergedState } from '../../src/replica/index.ts'
import { envelope, World } from './world.ts'
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

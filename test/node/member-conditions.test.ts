/** What whole nodes find to be the matter with each other, over a simulated network. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AssertionError } from '../../src/lib/index.ts'
import type { MemberHealth, NodeStatus } from '../../src/api/index.ts'
import type { Machine } from '../simulation/machine.ts'
import { endpointOf } from '../simulation/machine.ts'
import { World } from '../simulation/world.ts'

const MINUTE = 60_000

function statusOf(machine: Machine): NodeStatus {
  const status = machine.server?.service.status()
  assert.ok(status !== undefined)
  return status
}

function seenBy(machine: Machine, of: Machine): MemberHealth {
  const health = statusOf(machine).memberHealth.find(({ nodeId }) => nodeId === of.id)
  assert.ok(health !== undefined)
  return health
}

/** A leader, a follower that stays well, and one that something happens to. */
function scene(): { readonly world: World; readonly leader: Machine; readonly witness: Machine; readonly victim: Machine } {
  const world = new World({ seed: 7, nodes: 3 })
  const leader = world.leaderAmong(world.machines)
  const [witness, victim] = world.others(leader) as [Machine, Machine]
  world.until('all are well', () => [witness, victim].every((one) => seenBy(leader, one).condition === 'well'))
  return { world, leader, witness, victim }
}

test('memberHealth: tells a process that ended from a machine that is off', () => {
  for (const [kind, condition] of [
    ['killed', 'crashed'],
    ['power-cut', 'unreachable'],
  ] as const) {
    const { world, leader, witness, victim } = scene()
    victim.crash(kind)
    world.run(2_000)
    assert.deepEqual(
      [leader, witness].map((one) => seenBy(one, victim).condition),
      [condition, condition],
    )
    assert.equal(seenBy(leader, witness).condition, 'well')
    victim.start()
    world.run(2_000)
    assert.equal(seenBy(leader, victim).condition, 'well')
  }
})

test('memberHealth: tells a process that stands still, while its link lives and when that is given up', () => {
  const { world, leader, victim } = scene()
  victim.pause('stopped')
  world.until('the leader misses its answers', () => seenBy(leader, victim).condition === 'stalled')
  assert.match(seenBy(leader, victim).detail, /silent/)
  world.network.paused(endpointOf(victim.id))
  world.run(2_000)
  assert.equal(seenBy(leader, victim).condition, 'stalled')
  assert.match(seenBy(leader, victim).detail, /its machine answers and its process does not/)
  victim.resume()
  world.run(2_000)
  assert.equal(seenBy(leader, victim).condition, 'well')
})

test('memberHealth: tells a process whose RaftActor is gone from one that has ended', () => {
  const { world, leader, witness, victim } = scene()
  victim.meantToFail = () => true
  victim.ask(({ replica }) => replica.fail(new AssertionError('for good')))
  world.run(2_000)
  assert.deepEqual(
    [leader, witness].map((one) => seenBy(one, victim).condition),
    ['actor-down', 'actor-down'],
  )
})

test('memberHealth: a network that is cut, and after a minute who needs attention, in status and check; then it is well again', () => {
  const { world, leader, witness, victim } = scene()
  world.partition([leader, witness], [victim])
  world.run(MINUTE - 1_000)
  const early = seenBy(leader, victim)
  assert.deepEqual([early.condition, early.needsAttention], ['unreachable', false])
  const checkOf = (): boolean | undefined => statusOf(leader).checks.find(({ name }) => name === 'members')?.ok
  assert.equal(checkOf(), true)
  world.run(3_000)
  assert.deepEqual([seenBy(leader, victim).needsAttention, checkOf()], [true, false])
  // Whoever is alone sees it of all others.
  assert.deepEqual(
    statusOf(victim).memberHealth.map(({ condition, needsAttention }) => [condition, needsAttention]),
    [
      ['unreachable', true],
      ['unreachable', true],
    ],
  )
  const { membership } = leader.process?.replica.view ?? {}
  assert.deepEqual(membership?.voters, [1, 2, 3], 'a suspicion changes nothing')
  world.network.healAll()
  world.run(2_000)
  assert.deepEqual([seenBy(leader, victim).condition, checkOf()], ['well', true])
})

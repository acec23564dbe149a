/** Learners of whole nodes that become voters, over a simulated network. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LEARNER_LAG_THRESHOLD, MEMBERSHIP_COOLDOWN_MS } from '../../src/limits.ts'
import { encodeCommand } from '../simulation/clients.ts'
import type { Machine } from '../simulation/machine.ts'
import { endpointOf } from '../simulation/machine.ts'
import { World } from '../simulation/world.ts'

const ENVELOPE = encodeCommand({ Set: { key: 'k', value: 'v' } })

function votersAt(machine: Machine): readonly number[] {
  return machine.process?.replica.view.membership.voters ?? []
}

test('auto_promote: whoever leads promotes learners as they become ready, one in the cooldown, whoever led before', () => {
  const world = new World({ seed: 4, nodes: 3, voters: 1, settings: { autoPromote: true } })
  for (const nodeId of [2, 3]) world.administer({ op: 'add-learner', nodeId, endpointId: null })
  world.until('one is promoted', () => world.machines.every((one) => votersAt(one).length === 2), 10_000)
  const began = world.scheduler.now
  world.run(1_000)
  const first = world.leaderAmong(world.machines)
  const next = world.machines.find((one) => one !== first && votersAt(first).includes(one.id)) as Machine
  first.crash('killed')
  first.start()
  world.until('the other voter leads', () => world.leader === next)
  world.run(MEMBERSHIP_COOLDOWN_MS - 1_000 - (world.scheduler.now - began))
  assert.equal(votersAt(next).length, 2, 'the next leader has seen when the voters were changed')
  world.until('the other one is promoted', () => world.machines.every((one) => votersAt(one).length === 3), 10_000)
})

test('auto_promote: is off unless it is asked for', () => {
  const world = new World({ seed: 4, nodes: 2, voters: 1 })
  world.administer({ op: 'add-learner', nodeId: 2, endpointId: null })
  world.run(10_000)
  assert.deepEqual(votersAt(world.leaderAmong(world.machines)), [1])
})

test('promote-learner: one that is never within the lag under load is ready by its rounds; writers are not slowed', () => {
  const world = new World({ seed: 9, nodes: 4, voters: 3 })
  const leader = world.leaderAmong(world.machines)
  world.administer({ op: 'add-learner', nodeId: 4, endpointId: null })
  const [from, to] = [endpointOf(leader.id), endpointOf(4)]
  for (const [a, b] of [
    [from, to],
    [to, from],
  ] as const)
    world.network.slowDown(a, b, 40)
  let written = 0
  let slowest = 0
  const write = (): void => {
    const at = world.scheduler.now
    leader.ask(({ replica, life }, now) => {
      replica.write(ENVELOPE, now + 5_000, () => {
        written++
        slowest = Math.max(slowest, life.clock.now() - now)
      })
    })
    world.scheduler.after(Math.max(0, at + 0.25 - world.scheduler.now), write)
  }
  write()
  world.run(500)
  const lag = (): number => {
    const { replica } = leader.process ?? {}
    return (replica?.view.lastLog.index ?? 0) - (replica?.peer(4)?.match ?? 0)
  }
  let least = Number.POSITIVE_INFINITY
  let done: Error | undefined | null = null
  world.submit(leader, { op: 'promote-learner', nodeId: 4, force: true, dryRun: false }, (error) => void (done = error))
  world.until('it is promoted', () => {
    if (votersAt(leader).length === 3) least = Math.min(least, lag())
    return done !== null
  })
  assert.equal(done, undefined)
  assert.ok(least > LEARNER_LAG_THRESHOLD, `it was within ${least} entries: this proves nothing`)
  assert.deepEqual(votersAt(leader), [1, 2, 3, 4])
  assert.ok(written > 1_500 && slowest < 100, `${written} writes, the slowest took ${slowest} ms`)
})

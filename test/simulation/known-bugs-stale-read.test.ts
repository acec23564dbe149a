/**
 * etcd #20418, "Stale reads caused by process pausing" (fixed in 2026): a member was stopped while it waited for the leader's
 * answer to a read index, asked again under the same number, and took a late answer to the first question for one to the second.
 * The cluster had gone on meanwhile, and the member served what had been overwritten. RedisRaft #19 and etcd #741 end the same
 * way: a leader that slept, was replaced, and on waking answered from its memory.
 *
 * The promise: a read shows every write that was acknowledged before it began, whoever slept, for how long and at which moment.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chance, pick, randomBetween } from '../../src/lib/index.ts'
import { World } from './world.ts'
import { volume } from '../volume.ts'

const SEEDS = volume(25, 8)

describe('known bugs: a stale read after a pause (etcd #20418)', () => {
  test('a leader that slept answers no read from its memory, not even those it was asked before', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World({ seed, nodes: 3 })
      world.assertProgress('k')
      const sleeper = world.leaderAmong(world.machines)
      const awake = world.others(sleeper)
      for (let i = randomBetween(world.random, 0, 20); i > 0; i--) world.clients.read(sleeper, 'k')
      world.run(randomBetween(world.random, 0, 3))
      // In every second run nothing waits for it when it wakes that would tell it.
      if (chance(world.random, 0.5)) world.partition([sleeper], awake)
      sleeper.pause(pick(world.random, ['stopped', 'suspended']))
      const asked = awake.map((one) => world.clients.read(one, 'k'))
      world.leaderAmong(awake)
      world.assertProgress('k')
      const overdue = Array.from({ length: 5 }, () => world.clients.read(sleeper, 'k'))
      sleeper.resume()
      world.settle()
      for (const read of [...asked, ...overdue]) assert.notEqual(read.end, null, `seed ${seed}: a read was never answered`)
    }
  })

  test('nodes that pause at any moment, under load, serve nothing that was overwritten', () => {
    let pauses = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      // Over slow links an answer comes after the question has been asked again.
      const world = new World({ seed, nodes: 3, network: { latencyMaxMs: seed % 2 === 0 ? 25 : 2 } })
      for (let step = 0; step < 250; step++) {
        const victim = pick(world.random, world.machines)
        // A majority stays awake: a cluster that sleeps as a whole overwrites nothing.
        if (chance(world.random, 0.06) && world.machines.every(({ paused }) => !paused)) {
          victim.pause(pick(world.random, ['stopped', 'suspended']))
          world.scheduler.after(randomBetween(world.random, 10, 1200), () => victim.resume())
          pauses++
        }
        const key = pick(world.random, ['a', 'b'])
        if (chance(world.random, 0.4)) world.clients.write(pick(world.random, world.machines), key)
        else world.clients.read(pick(world.random, world.machines), key)
        world.run(randomBetween(world.random, 1, 20))
      }
      world.settle()
    }
    assert.ok(pauses > SEEDS, `${pauses} pauses in ${SEEDS} runs: nobody slept`)
  })
})

/** Replicas that keep everything in memory are opened again in living processes: what they have promised holds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStores } from '../../src/cluster/stores/memory-stores.ts'
import { randomBetween } from '../../src/lib/index.ts'
import { World } from '../simulation/world.ts'
import { volume } from '../volume.ts'
import { Ballot } from './ballot.ts'

const SEEDS = volume(100, 8)
const ROUNDS = 20

for (const nodes of [1, 3]) {
  test(`restartReplica: ${nodes} in memory lose nothing that was acknowledged, and never vote twice`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const ballots = new Map(Array.from({ length: nodes }, (_, i) => [i + 1, new Ballot(`node ${i + 1} of seed ${seed}`)]))
      const world = new World({
        seed,
        nodes,
        retainedEntries: 5,
        checkpointIntervalEntries: 10,
        stores: (id, { clock }) => {
          const stores = new MemoryStores((run) => clock.defer(run))
          return (ballots.get(id) as Ballot).watch((language) => stores.open(language))
        },
      })
      for (let round = 0; round < ROUNDS; round++) {
        const leader = world.leaderAmong(world.machines)
        // Who misses so many entries is sent a snapshot, during which its replica may end.
        const behind = round % 5 === 4 ? world.others(leader)[0] : undefined
        if (behind !== undefined) world.partition([behind], world.others(behind))
        for (let i = 0; i < 15; i++) world.clients.write(leader, `k${i % 3}`)
        world.run(randomBetween(world.random, 0, behind === undefined ? 10 : 100))
        world.network.healAll()
        const victims = world.machines.filter(() => randomBetween(world.random, 0, 1) === 0)
        const before = victims.map(({ process }) => process?.replica)
        for (const victim of victims) victim.restartReplica()
        world.until('all victims serve again', () =>
          victims.every(({ process }, i) => process !== null && process.replica !== before[i]),
        )
        world.assertProgress('after')
      }
      world.settle()
      assert.ok(world.clients.acknowledged > ROUNDS)
      for (const { lives } of ballots.values()) assert.ok(lives > 1)
    }
  })
}

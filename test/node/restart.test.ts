/** A replica is opened again in a living process, under the same key, links and handle. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBetween } from '../../src/lib/index.ts'
import { World } from '../simulation/world.ts'

const SEEDS = 20

/** What goes on in promises, too. */
async function settle(world: World): Promise<void> {
  for (let i = 0; i < 20; i++) {
    world.run(5)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('restartReplica: the links stay up, the node serves again, and nothing that was acknowledged is lost', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World({ seed, nodes: 3, retainedEntries: 5, checkpointIntervalEntries: 10 })
    const opened = world.network.counters.linksOpened
    for (let round = 0; round < 6; round++) {
      const leader = world.leaderAmong(world.machines)
      for (let i = 0; i < 8; i++) world.clients.write(leader, `k${i % 3}`)
      world.run(randomBetween(world.random, 0, 10))
      const victim = round % 2 === 0 ? leader : (world.others(leader)[0] ?? leader)
      const handle = victim.server?.raft
      const before = victim.process?.replica
      victim.restartReplica()
      world.until('another replica serves', () => victim.process !== null && victim.process.replica !== before)
      assert.equal(victim.server?.raft, handle, 'callers hold what they held')
      world.assertProgress('after')
    }
    world.settle()
    assert.deepEqual([world.network.counters.linksOpened, world.network.counters.linksLost], [opened, 0])
  }
})

test('restartReplica: a leader that is stopped meanwhile stops, and nothing is opened any more', async () => {
  const world = new World({ seed: 1, nodes: 1 })
  const machine = world.node(1)
  machine.ask(() => {
    machine.server?.restartActor('raft', () => undefined)
    machine.server?.stop((error) => assert.ifError(error))
  })
  await settle(world)
  assert.equal(machine.process, null)
  let refused: string | undefined
  machine.server?.raft.send({ type: 'Read', deadline: 0, reply: (error) => void (refused = error?.message) })
  assert.match(refused ?? '', /stopped/)
})

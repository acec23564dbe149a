/** Replicas that keep everything in memory are opened again in living processes: what they have promised holds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RaftStores } from '../../src/node/index.ts'
import { MemoryStores } from '../../src/cluster/stores/memory-stores.ts'
import { randomBetween } from '../../src/lib/index.ts'
import { World } from '../simulation/world.ts'
import type { Machine } from '../simulation/machine.ts'
import { volume } from '../volume.ts'
import { Ballot } from './ballot.ts'

const SEEDS = volume(100, 8)
const ROUNDS = 20
/** Nothing is held for a peer that is behind: it is sent a snapshot. */
const SENT_SNAPSHOTS = { limits: { heldBytes: 0 } }

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

const INSTALLING: Readonly<Record<string, (stores: RaftStores, hit: () => void) => void>> = {
  'taking a chunk': ({ snapshots }, hit) => (snapshots.write = before(snapshots.write.bind(snapshots), hit)),
  'finishing the file': ({ snapshots }, hit) => (snapshots.finish = before(snapshots.finish.bind(snapshots), hit)),
  'resetting the log': ({ log }, hit) => (log.reset = before(log.reset.bind(log), hit)),
  'restoring the state': ({ stateMachine }, hit) => (stateMachine.restore = before(stateMachine.restore.bind(stateMachine), hit)),
}

function before<A extends unknown[]>(run: (...args: A) => void, first: () => void): (...args: A) => void {
  return (...args) => {
    first()
    run(...args)
  }
}

test('restartReplica: in memory, a replica that ends in the middle of installing a snapshot installs it in its next life', () => {
  /** The file was there, and the state not yet. */
  const cutShort = new Set<string>()
  for (const [step, watch] of Object.entries(INSTALLING)) {
    const hits: number[] = []
    const opened = new Map<number, RaftStores>()
    const ballots = new Map([1, 2, 3].map((id) => [id, new Ballot(`node ${id}, ${step}`)]))
    const world: World = new World({
      seed: 1,
      nodes: 3,
      retainedEntries: 5,
      checkpointIntervalEntries: 10,
      settings: SENT_SNAPSHOTS,
      stores: (id, { clock }) => {
        const stores = new MemoryStores((run) => clock.defer(run))
        return (ballots.get(id) as Ballot).watch((language) => {
          const next = stores.open(language)
          if ((next.snapshots.newest()?.last.index ?? 0) > next.stateMachine.info().applied.index) cutShort.add(step)
          opened.set(id, next)
          return next
        })
      },
    })
    const leader = world.leaderAmong(world.machines)
    const [victim] = world.others(leader) as [Machine]
    watch(opened.get(victim.id) as RaftStores, () => {
      if (hits.push(world.scheduler.now) === 1) victim.restartReplica()
    })
    world.partition([victim], world.others(victim))
    for (let i = 0; i < 50; i++) world.clients.write(leader, `k${i % 3}`)
    world.run(100)
    world.network.healAll()
    world.settle()
    assert.ok(hits.length > 0, `it was ${step} when it ended`)
    assert.equal(ballots.get(victim.id)?.lives, 2)
    assert.ok(world.clients.acknowledged >= 50)
  }
  assert.deepEqual([...cutShort], ['finishing the file', 'resetting the log'])
})

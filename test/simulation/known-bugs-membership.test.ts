/**
 * The bug in Raft's own single-server membership change (Ongaro, raft-dev, July 2015), and its like: NATS #7545, RethinkDB #5289. A
 * leader appends one change and is cut off; another leader appends a second change; the first comes back. Each change is
 * safe by itself, but the two configurations have majorities without a member in common, and two leaders commit different
 * entries.
 *
 * The promise: however fast changes follow each other, whoever leads, and wherever it is cut off meanwhile, there is one leader a
 * term, one entry an index, every acknowledged write is kept, and in the end all members act under one configuration.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chance, pick, randomBetween } from '../../src/lib/index.ts'
import type { Machine } from './machine.ts'
import { World } from './world.ts'
import { volume } from '../volume.ts'

const SEEDS = volume(30, 10)
const ROUNDS = 12
const NODES = 5

/** Two configurations that differ by a lot are asked for at once; those who are no voters learn. */
function askForVoters(world: World, machine: Machine): void {
  const { random } = world
  const members = world.machines.map(({ id }) => id).filter(() => chance(random, 0.6))
  if (members.length === 0) return
  const learners = world.machines.map(({ id }) => id).filter((id) => !members.includes(id))
  world.submit(machine, { op: 'change-membership', members, learners }, () => undefined)
}

/** Changes are asked for one upon the other, and whoever took them is cut off, alone or with others. */
function changeTwice(world: World): void {
  const { random } = world
  const first = world.leader ?? pick(random, world.machines)
  askForVoters(world, first)
  askForVoters(world, first)
  world.run(randomBetween(random, 0, 6))
  const withFirst = world.machines.filter((one) => one === first || chance(random, 0.3))
  world.network.healAll()
  world.partition(withFirst, world.others(...withFirst))
  if (chance(random, 0.3)) first.crash(pick(random, ['killed', 'power-cut']))
  world.run(randomBetween(random, 0, 600))
  for (const machine of world.machines) {
    if (machine.running && machine.process?.replica.view.role === 'leader') askForVoters(world, machine)
    if (machine.running) world.clients.write(machine, pick(random, ['a', 'b']))
  }
  world.run(randomBetween(random, 0, 400))
  for (const machine of world.machines) if (machine.process === null) machine.start()
  if (chance(random, 0.5)) world.network.healAll()
}

describe('known bugs: membership changed twice in a row (Raft 2015, NATS #7545, RethinkDB #5289)', () => {
  test('the majorities of the old voters and of the new ones, cut off from each other, do not both go on', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World({ seed, nodes: NODES, voters: 3 })
      for (const nodeId of [4, 5]) world.administer({ op: 'add-learner', nodeId, endpointId: null })
      const leader = world.leaderAmong(world.machines)
      const incoming = [leader, world.node(4), world.node(5)]
      const outgoing = world.others(...incoming)
      const ids = incoming.map(({ id }) => id)
      const early = chance(world.random, 0.5)
      if (early) world.partition(incoming, outgoing)
      for (const members of [ids, ids.slice(0, 2)]) {
        world.submit(leader, { op: 'change-membership', members, learners: null }, () => undefined)
      }
      if (!early) world.run(randomBetween(world.random, 0, 8000) / 1000)
      world.partition(incoming, outgoing)
      for (let round = 0; round < 10; round++) {
        for (const machine of world.machines) world.clients.write(machine, pick(world.random, ['a', 'b']))
        world.run(randomBetween(world.random, 10, 100))
      }
      world.settle()
    }
  })

  test('changes that overlap, under leaders that are cut off, never make two majorities', () => {
    const seen = new Set<string>()
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World({ seed, nodes: NODES, voters: 3 })
      for (const nodeId of [4, 5]) world.administer({ op: 'add-learner', nodeId, endpointId: null })
      for (let round = 0; round < ROUNDS; round++) changeTwice(world)
      world.settle()
      world.changeVoters([1, 2, 3, 4, 5])
      world.settle()
      for (const { id, process } of world.machines) {
        const { voters, outgoing } = process?.replica.view.membership ?? { voters: [], outgoing: [] }
        assert.deepEqual([voters, outgoing], [[1, 2, 3, 4, 5], []], `seed ${seed}: the configuration of node ${id}`)
      }
      for (const { voters } of world.configurations) seen.add(voters.join())
    }
    assert.ok(seen.size > SEEDS, `${seen.size} configurations in ${SEEDS} runs: hardly any change went through`)
  })
})

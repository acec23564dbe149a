/**
 * NATS JetStream 2.12, #7549 "Single-bit errors in .blk files triggers partial loss of acknowledged writes" and #7556 for snapshot
 * files: disks of a minority forgot single bits, with every write synced. The nodes noticed, dropped what they could not
 * read, took part as if they had never had it, and in the end led the others to drop it too: half of the stream was gone.
 *
 * The promise: bits flipped on a minority, in logs and in snapshots, cost at most the damaged nodes. Such a node refuses to
 * start, or has repaired itself from the others before it serves; it never serves what it guessed, and nobody else forgets.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chance, pick, randomBetween } from '../../src/lib/index.ts'
import { World } from './world.ts'
import type { Machine } from './machine.ts'
import { volume } from '../volume.ts'

const SEEDS = volume(30, 10)
const MINORITY = 2
const KEYS = 200

function write(world: World, count: number): void {
  for (let i = 0; i < count; i++) {
    world.clients.write(pick(world.random, world.machines), `k${randomBetween(world.random, 1, KEYS)}`)
    world.run(randomBetween(world.random, 0, 15))
  }
}

function damage(world: World, machine: Machine): void {
  machine.crash(pick(world.random, ['killed', 'power-cut']))
  const disk = chance(world.random, 0.75) ? machine.logDisk : machine.snapshotDisk
  world.flipBits(disk, randomBetween(world.random, 1, 8))
}

describe('known bugs: acknowledged writes lost by bit flips on a minority (NATS 2.12, #7549 and #7556)', () => {
  test('a minority with flipped bits serves nothing wrong, and the others lose nothing', () => {
    const ends = { refused: 0, served: 0 }
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World({ seed, nodes: 5, retainedEntries: 20, checkpointIntervalEntries: seed % 2 === 0 ? 25 : 1000 })
      write(world, randomBetween(world.random, 30, 90))
      world.converge()
      const damaged = Array.from({ length: MINORITY }, (_, i) => world.node(((seed + i) % 5) + 1))
      for (const machine of damaged) damage(world, machine)
      for (const machine of damaged) machine.start()
      world.run(randomBetween(world.random, 0, 200))
      for (const { refusal } of damaged) ends[refusal === null ? 'served' : 'refused']++
      // Those who are left vote: one of the intact nodes, perhaps the leader, goes and comes back.
      const standing = world.machines.filter(({ running }) => running)
      const intact = world.others(...damaged)
      const restarted = standing.length > 3 ? pick(world.random, intact) : null
      restarted?.crash('killed')
      write(world, 20)
      restarted?.start()
      world.settle()
      for (const one of intact)
        assert.ok(world.members().includes(one), `seed ${seed}: node ${one.id} was not damaged, and is gone`)
    }
    // What is not needed any more may be flipped unnoticed, and what is written last is taken for a torn write.
    assert.ok(ends.refused > 0, 'no node was damaged badly enough to refuse')
    assert.ok(ends.served > 0, 'no node could start')
  })
})

/**
 * hashicorp/raft #614 "Node unable to persist log, but keeps being elected", and canonical/raft #320: a write or sync of the log
 * fails, the node logs it, and carries on. That is worse than it looks. After a failed fsync Linux drops the pages and reports
 * success for the next one ("fsyncgate", PostgreSQL 2018): the node acknowledges entries that no disk has, its vote makes a
 * quorum of them, and a power cut later the quorum was never there.
 *
 * The promise: a node whose sync has failed says nothing more, neither to peers nor to clients, and others take over. What was
 * acknowledged survives a power cut.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { randomBetween } from '../../src/lib/index.ts'
import { World } from './world.ts'
import type { Machine } from './machine.ts'
import { volume } from '../volume.ts'

const SEEDS = volume(25, 8)

function writeFor(world: World, machine: Machine, ms: number): void {
  const end = world.scheduler.now + ms
  while (world.scheduler.now < end) {
    world.clients.write(machine, `k${randomBetween(world.random, 1, 3)}`)
    world.run(randomBetween(world.random, 0, 10))
  }
}

describe('known bugs: carrying on after a failed sync (hashicorp/raft #614, canonical/raft #320)', () => {
  test('a follower whose sync failed is no part of any quorum: what it had not synced was not acknowledged', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World({ seed, nodes: 3 })
      const leader = world.leaderAmong(world.machines)
      const [follower, away] = world.others(leader) as [Machine, Machine]
      world.partition([leader, follower], [away])
      writeFor(world, leader, randomBetween(world.random, 20, 150))
      follower.syncs.failNext = true
      writeFor(world, leader, 200)
      assert.equal(follower.syncs.failures, 1, `seed ${seed}: no sync failed`)
      assert.match(String(follower.failure), /EIO/, `seed ${seed}: the follower goes on after a failed sync`)
      // The one that failed, and the one that heard of nothing, are the next quorum.
      leader.crash('power-cut')
      follower.crash('power-cut')
      world.network.healAll()
      follower.start()
      world.leaderAmong([follower, away])
      world.assertProgress('after')
      world.settle()
    }
  })

  test('a leader whose sync failed acknowledges nothing more, is not elected again, and the others go on', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World({ seed, nodes: 3 })
      const leader = world.leaderAmong(world.machines)
      writeFor(world, leader, randomBetween(world.random, 20, 150))
      leader.syncs.failNext = true
      const late = Array.from({ length: 5 }, () => world.clients.write(leader, 'k1'))
      world.until('the leader stops itself', () => leader.failure !== null, 1000)
      const told = late.filter(({ outcome }) => outcome === 'ok').length
      world.leaderAmong(world.others(leader))
      world.assertProgress('k2')
      assert.equal(late.filter(({ outcome }) => outcome === 'ok').length, told, `seed ${seed}: it answers although it has failed`)
      world.run(2000)
      assert.notEqual(world.leader, leader, `seed ${seed}: a node that cannot write leads`)
      leader.crash('power-cut')
      world.settle()
    }
  })
})

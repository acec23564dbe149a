/**
 * LogCabin #56 "fix disruptive servers after downsizing a cluster", hashicorp/raft #524 "Unstable leadership when running server is
 * demoted/removed without its participation", Consul #1782: a member that is removed while it is away never hears of it. It
 * misses its leader, stands for election in one term after the other, for ever, and every later term ends the reign of the
 * leader of those who are left.
 *
 * The promise: a removed member that does not know may ask for votes for as long as it likes. The leader and the term stay, and
 * writes go on without a break. What it is asked itself it does not answer from its memory: it may have the leader's word for a
 * moment, while it is told that it has left, and nobody's later.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { randomBetween } from '../../src/lib/index.ts'
import { World } from './world.ts'
import { volume } from '../volume.ts'

const SEEDS = volume(15, 6)
const WATCHED_MS = 10_000
/** A write takes milliseconds; an election takes some hundred. */
const WRITE_LIMIT_MS = 120

/** For a long time nothing changes, and writes are never held up. */
function assertUndisturbed(world: World): void {
  const leader = world.leaderAmong(world.machines)
  const { term } = leader.process?.replica.view ?? {}
  const end = world.scheduler.now + WATCHED_MS
  while (world.scheduler.now < end) {
    const write = world.clients.write(leader, 'k')
    world.until('a write goes through beside a removed member', () => write.end !== null, WRITE_LIMIT_MS)
    assert.equal(write.outcome, 'ok', String(write.error))
    world.run(randomBetween(world.random, 10, 60))
  }
  assert.equal(world.leader, leader, 'the removed member has ended the reign of the leader')
  assert.equal(leader.process?.replica.view.term, term, 'the removed member has brought another term')
}

describe('known bugs: a removed member that campaigns for ever (LogCabin #56, hashicorp/raft #524)', () => {
  test('a member that was removed while it was cut off disturbs nobody when it is back', () => {
    let campaigns = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World({ seed, nodes: 4 })
      world.assertProgress('k')
      const leader = world.leaderAmong(world.machines)
      const removed = world.others(leader)[seed % 3] as (typeof world.machines)[number]
      world.partition([removed], world.others(removed))
      world.changeVoters(world.others(removed).map(({ id }) => id))
      world.assertProgress('k')
      world.run(randomBetween(world.random, 0, 2000))
      world.network.healAll()
      // What it answers now stands in the history, which ends with what was written without it.
      world.clients.read(removed, 'k')
      assertUndisturbed(world)
      const late = world.clients.read(removed, 'k')
      world.until('the removed member has answered', () => late.end !== null)
      assert.notEqual(late.outcome, 'ok', `seed ${seed}: a node that left long ago serves reads`)
      campaigns += removed.process?.replica.view.counters.electionsLost ?? 0
      world.settle()
    }
    assert.ok(campaigns > SEEDS, `it tried ${campaigns} times in ${SEEDS} runs: nobody campaigned`)
  })

  test('a leader that removes itself leaves the others one leader, and disturbs nobody', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World({ seed, nodes: 4 })
      world.assertProgress('k')
      const removed = world.leaderAmong(world.machines)
      world.changeVoters(world.others(removed).map(({ id }) => id))
      world.leaderAmong(world.others(removed))
      assertUndisturbed(world)
      world.settle()
    }
  })
})

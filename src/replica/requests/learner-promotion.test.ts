import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AspenError } from '../../api/index.ts'
import { LEARNER_LAG_THRESHOLD, MAX_VOTERS, MEMBERSHIP_COOLDOWN_MS } from '../../limits.ts'
import { membershipOf } from '../hand-driven-stores.test.ts'
import type { AdminRequest } from './membership-admin.ts'

import { Bench, change, FOREVER, timings } from './membership-bench.test.ts'

const promote = (nodeId: number, parts: object = {}): AdminRequest => ({
  op: 'promote-learner',
  nodeId,
  force: false,
  dryRun: false,
  ...parts,
})

describe('LearnerPromotion', () => {
  /** Every peer has all there is, until nothing is left to be said. */
  const settle = (bench: Bench, ids: readonly number[]): void => {
    for (let i = 0; i < 4; i++) for (const id of ids) bench.ack(id)
  }
  const reasonOf = (bench: Bench): unknown => (bench.answers.errors.at(-1) as AspenError | undefined)?.details['reason']

  test('promote-learner: makes a learner that has caught up a voter, in a joint change; once', () => {
    const bench = new Bench(membershipOf([1, 2], [3])).lead()
    bench.ack(3)
    bench.submit('promote', promote(3))
    assert.deepEqual(
      [bench.raft.membership.voters, bench.raft.membership.outgoing],
      [
        [1, 2, 3],
        [1, 2],
      ],
    )
    settle(bench, [2, 3])
    bench.submit('again', promote(3))
    assert.deepEqual(bench.answers.outcomes, ['promote: ok', 'again: ok'])
    assert.deepEqual(bench.last, membershipOf([1, 2, 3]))
  })

  test('promote-learner: waits for one that lags or is away, and at the deadline says how far it is', () => {
    for (const isLinked of [true, false]) {
      const bench = new Bench(membershipOf([1], [2])).lead()
      for (let i = 0; i < LEARNER_LAG_THRESHOLD + 5; i++) bench.raft.propose(new Uint8Array(1))
      bench.turn()
      bench.ack(2, 1)
      if (!isLinked) bench.linkedIds.clear()
      const last = bench.raft.lastLog.index
      bench.submit('dry', promote(2, { dryRun: true }))
      bench.submit('promote', promote(2), 500)
      assert.deepEqual(bench.answers.outcomes, ['dry: LEARNER_NOT_READY'])
      bench.at(500)
      assert.deepEqual(bench.answers.outcomes.slice(1), ['promote: LEARNER_NOT_READY'])
      assert.equal((bench.answers.errors.at(-1) as AspenError).details['lag'], last - 1)
      assert.equal(bench.raft.lastLog.index, last)
    }
  })

  test('promote-learner: a learner that is linked and silent is not ready', () => {
    const bench = new Bench(membershipOf([1], [2])).lead()
    bench.ack(2)
    bench.tick(timings.electionTimeoutMinMs)
    bench.submit('silent', promote(2, { dryRun: true }))
    assert.deepEqual(bench.answers.outcomes, ['silent: LEARNER_NOT_READY'])
    bench.ack(2)
    bench.submit('heard', promote(2, { dryRun: true }))
    assert.deepEqual(bench.answers.outcomes.slice(1), ['heard: ok'])
  })

  test('promote-learner: not within the cooldown after the voters were changed, unless forced', () => {
    const bench = new Bench(membershipOf([1, 2], [3, 4])).lead()
    for (const id of [2, 3, 4]) bench.ack(id)
    bench.submit('first', promote(3))
    settle(bench, [2, 3, 4])
    bench.at(MEMBERSHIP_COOLDOWN_MS / 1_000)
    bench.submit('early', promote(4))
    assert.equal(reasonOf(bench), 'cooldown')
    assert.deepEqual((bench.answers.errors.at(-1) as AspenError).details['wait_ms'], MEMBERSHIP_COOLDOWN_MS * 0.999)
    bench.submit('early and dry', promote(4, { dryRun: true }))
    bench.at(MEMBERSHIP_COOLDOWN_MS - 1)
    bench.submit('a moment early', promote(4), MEMBERSHIP_COOLDOWN_MS * 2)
    bench.submit('forced, dry', promote(4, { force: true, dryRun: true }), MEMBERSHIP_COOLDOWN_MS * 2)
    bench.at(MEMBERSHIP_COOLDOWN_MS)
    bench.submit('in time', promote(4), MEMBERSHIP_COOLDOWN_MS * 2)
    settle(bench, [2, 3, 4])
    assert.deepEqual(bench.answers.outcomes, [
      'first: ok',
      'early: PROMOTION_REFUSED',
      'early and dry: PROMOTION_REFUSED',
      'a moment early: PROMOTION_REFUSED',
      'forced, dry: ok',
      'in time: ok',
    ])
    assert.deepEqual(bench.last, membershipOf([1, 2, 3, 4]))
  })

  test('promote-learner: a change of learners alone begins no cooldown', () => {
    const bench = new Bench(membershipOf([1, 2], [3, 4])).lead()
    for (const id of [2, 3, 4]) bench.ack(id)
    bench.submit('learners', change([1, 2], [3]))
    settle(bench, [2, 3])
    bench.submit('free', promote(3, { dryRun: true }))
    assert.deepEqual(bench.answers.outcomes, ['learners: ok', 'free: ok'])
  })

  test('promote-learner: changes nothing when it is dry, and says who there would be', () => {
    const bench = new Bench(membershipOf([1, 2], [3, 4])).lead()
    for (const id of [2, 3, 4]) bench.ack(id)
    const { index } = bench.raft.lastLog
    bench.submit('dry', promote(3, { dryRun: true }))
    assert.deepEqual(bench.answers.values, [{ membership: membershipOf([1, 2, 3], [4]), index: 1 }])
    assert.deepEqual([bench.raft.lastLog.index, bench.raft.membership], [index, membershipOf([1, 2], [3, 4])])
  })

  test('promote-learner: takes the place of a voter that is gone, in one change, and of no other', () => {
    const bench = new Bench(membershipOf([1, 2, 3], [4])).lead()
    for (const id of [2, 3, 4]) bench.ack(id)
    bench.submit('alive', promote(4, { replace: 3 }))
    assert.equal(reasonOf(bench), 'replaced_voter_alive')
    bench.linkedIds.delete(3)
    bench.submit('a moment ago', promote(4, { replace: 3 }))
    assert.equal(reasonOf(bench), 'replaced_voter_alive')
    for (const ms of [60_000, 120_000, 180_000, timings.electionTimeoutMaxMs]) {
      bench.tick(ms)
      for (const id of [2, 4]) bench.ack(id)
    }
    assert.equal(bench.raft.role, 'leader')
    bench.submit('gone', promote(4, { replace: 3 }), FOREVER * 10)
    assert.deepEqual(
      [bench.raft.membership.voters, bench.raft.membership.outgoing],
      [
        [1, 2, 4],
        [1, 2, 3],
      ],
    )
    settle(bench, [2, 4])
    assert.deepEqual(bench.answers.outcomes, ['alive: PROMOTION_REFUSED', 'a moment ago: PROMOTION_REFUSED', 'gone: ok'])
    assert.deepEqual(bench.last, membershipOf([1, 2, 4]))
    bench.submit('again', promote(4, { replace: 3 }), FOREVER * 10)
    assert.deepEqual(bench.answers.outcomes.slice(3), ['again: ok'])
  })

  test('promote-learner: never where those that answer are no majority of the voters before and after', () => {
    const bench = new Bench(membershipOf([1, 2], [3])).lead()
    for (const id of [2, 3]) bench.ack(id)
    bench.linkedIds.delete(2)
    bench.submit('of two one is gone', promote(3, { replace: 2, force: true }))
    assert.deepEqual(bench.answers.outcomes, ['of two one is gone: PROMOTION_REFUSED'], 'a moment ago')
    bench.submit('beside it', promote(3))
    assert.equal(reasonOf(bench), 'quorum')
    assert.deepEqual((bench.answers.errors.at(-1) as AspenError).details['answering'], [1, 3])
    assert.deepEqual(bench.raft.membership, membershipOf([1, 2], [3]))
  })

  test('promote-learner: what makes no sense is refused at once', () => {
    const many = Array.from({ length: MAX_VOTERS }, (_, i) => i + 1)
    const full = new Bench(membershipOf(many, [200]))
    // Nobody needs to lead for a rule to be looked at: the core says that it does not, first.
    full.submit('not the leader', promote(200))
    assert.deepEqual(full.answers.outcomes, ['not the leader: NOT_LEADER'])
    const bench = new Bench(membershipOf([1, 2], [3])).lead()
    for (const id of [2, 3]) bench.ack(id)
    bench.submit('stranger', promote(9))
    bench.submit('no voter', promote(3, { replace: 9 }))
    bench.submit('the leader', promote(3, { replace: 1 }))
    bench.submit('a voter for another', promote(2, { replace: 1 }))
    bench.submit('for other voters', promote(3, { ifMembers: [1] }))
    assert.deepEqual(bench.answers.outcomes, [
      'stranger: NODE_UNKNOWN',
      'no voter: INVALID_REQUEST',
      'the leader: INVALID_REQUEST',
      'a voter for another: INVALID_REQUEST',
      'for other voters: MEMBERSHIP_CHANGED',
    ])
    assert.deepEqual(bench.raft.membership, membershipOf([1, 2], [3]))
  })

  test('auto-promote: promotes one learner that is ready, and the next when the cooldown is over; none where it is off', () => {
    for (const isOn of [true, false]) {
      const bench = new Bench(membershipOf([1, 2], [3, 4]), isOn).lead()
      bench.at(1_000)
      assert.deepEqual(bench.raft.membership.voters, [1, 2], 'nobody has caught up')
      for (const id of [2, 3, 4]) bench.ack(id)
      bench.at(2_000)
      settle(bench, [2, 3, 4])
      assert.deepEqual(bench.raft.membership, isOn ? membershipOf([1, 2, 3], [4]) : membershipOf([1, 2], [3, 4]))
      bench.at(MEMBERSHIP_COOLDOWN_MS)
      settle(bench, [2, 3, 4])
      assert.deepEqual(bench.raft.membership.learners, isOn ? [4] : [3, 4])
      bench.at(MEMBERSHIP_COOLDOWN_MS + 2_000)
      settle(bench, [2, 3, 4])
      assert.deepEqual(bench.raft.membership, isOn ? membershipOf([1, 2, 3, 4]) : membershipOf([1, 2], [3, 4]))
    }
  })
})

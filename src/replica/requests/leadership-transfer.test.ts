import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AspenError } from '../../api/index.ts'
import { LEARNER_LAG_THRESHOLD } from '../../limits.ts'
import { membershipOf } from '../hand-driven-stores.test.ts'
import type { AdminRequest } from './membership-admin.ts'

import { Bench, FOREVER, timings } from './membership-bench.test.ts'

describe('LeadershipTransfer', () => {
  const transfer = (nodeId: number): AdminRequest => ({ op: 'transfer-leadership', nodeId })

  test('transfer-leadership: is answered when the other leads', () => {
    const bench = new Bench(membershipOf([1, 2, 3])).lead()
    bench.submit('to itself', transfer(1))
    assert.deepEqual(bench.answers.outcomes, ['to itself: ok'])
    bench.ack(2)
    bench.submit('hand over', transfer(2))
    assert.deepEqual([bench.raft.transferring, bench.answers.outcomes.length], [true, 1])
    bench.depose(bench.raft.lastLog.index, [])
    assert.deepEqual(bench.answers.outcomes.slice(1), ['hand over: ok'])
  })

  test('transfer-leadership: when another one leads in the end, that one is to be asked', () => {
    const bench = new Bench(membershipOf([1, 2, 3])).lead()
    bench.ack(3)
    bench.submit('hand over', transfer(3))
    bench.depose(bench.raft.lastLog.index, [])
    assert.deepEqual(bench.answers.outcomes, ['hand over: NOT_LEADER'])
  })

  test('transfer-leadership: one that does not take over within an election timeout is tried once, and refused with that', () => {
    const bench = new Bench(membershipOf([1, 2, 3])).lead()
    bench.ack(3)
    bench.ack(2)
    bench.submit('hand over', transfer(2), FOREVER * 10)
    bench.tick(timings.electionTimeoutMinMs - 1)
    for (const id of [2, 3]) bench.ack(id)
    assert.deepEqual([bench.raft.transferring, bench.answers.outcomes], [true, []])
    bench.tick(timings.electionTimeoutMinMs)
    assert.deepEqual([bench.raft.transferring, bench.answers.outcomes], [false, ['hand over: TRANSFER_REFUSED']])
    assert.equal((bench.answers.errors[0] as AspenError).details['reason'], 'not_taken_over')
  })

  test('transfer-leadership: is not tried with one that is away, silent or behind, and says so at the deadline', () => {
    for (const state of ['away', 'silent', 'behind'] as const) {
      const bench = new Bench(membershipOf([1, 2, 3])).lead()
      bench.ack(3)
      if (state === 'behind') {
        for (let i = 0; i < LEARNER_LAG_THRESHOLD + 5; i++) bench.raft.propose(new Uint8Array(1))
        bench.turn()
        bench.ack(3)
        bench.ack(2, 2)
      } else bench.ack(2)
      if (state === 'away') bench.linkedIds.delete(2)
      if (state === 'silent') {
        bench.tick(timings.electionTimeoutMinMs / 2)
        bench.ack(3)
        bench.tick(timings.electionTimeoutMinMs)
      }
      const asked = bench.now
      bench.submit('hand over', transfer(2), asked + 500)
      assert.deepEqual([bench.raft.transferring, bench.answers.outcomes], [false, []], state)
      bench.at(asked + 500)
      assert.deepEqual(bench.answers.outcomes, ['hand over: TRANSFER_REFUSED'], state)
      const { reason } = (bench.answers.errors[0] as AspenError).details
      assert.equal(reason, state === 'silent' ? 'silent' : 'not_ready')
    }
  })

  test('transfer-leadership: of whom cannot lead is refused at once', () => {
    const bench = new Bench(membershipOf([1, 2], [3])).lead()
    bench.submit('learner', transfer(3))
    bench.submit('stranger', transfer(9))
    assert.deepEqual(bench.answers.outcomes, ['learner: INVALID_REQUEST', 'stranger: NODE_UNKNOWN'])
  })
})

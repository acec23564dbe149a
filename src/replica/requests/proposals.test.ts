import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { WriteResult } from '../../api/index.ts'
import { MAX_PROPOSAL_BYTES, MAX_PROPOSALS } from '../../limits.ts'
import { Answers } from '../hand-driven-stores.test.ts'
import { Proposals } from './proposals.ts'

const FOREVER = 1_000_000

function proposals(): {
  waiting: Proposals
  answers: Answers<WriteResult>
  add: (index: number, term?: number, deadline?: number, answersFromState?: boolean) => void
} {
  // Entries up to 3 are applied.
  const waiting = new Proposals(3)
  const answers = new Answers<WriteResult>()
  const add = (index: number, term = 1, deadline = FOREVER, answersFromState = true): void =>
    waiting.add({ term, index }, { bytes: 10, deadline, answersFromState, reply: answers.reply(`${index}@${term}`) })
  return { waiting, answers, add }
}

describe('Proposals', () => {
  test('applied: answers with the result when the entry of its term was applied', () => {
    const { waiting, answers, add } = proposals()
    add(5)
    add(6)
    waiting.applied(4, 1, null)
    const result: WriteResult = { logId: { term: 1, index: 5 }, txn: { succeeded: true, results: [] } }
    waiting.applied(5, 1, result)
    assert.deepEqual(answers.outcomes, ['5@1: ok'])
    assert.equal(answers.values[0], result)
    waiting.applied(6, 1, null)
    assert.deepEqual(answers.values[1], { logId: { term: 1, index: 6 } })
    assert.deepEqual([waiting.count, waiting.bytes], [0, 0])
  })

  test('applied: answers NOT_APPLIED when another term has the index, and each waiter by its own term', () => {
    const { waiting, answers, add } = proposals()
    add(5, 1)
    add(5, 3)
    add(5, 2)
    waiting.applied(4, 1, null)
    waiting.applied(5, 3, null)
    assert.deepEqual(answers.outcomes, ['5@1: NOT_APPLIED', '5@3: ok', '5@2: NOT_APPLIED'])
    assert.deepEqual([waiting.count, waiting.bytes], [0, 0])
  })

  test('applied: refuses a gap and a repetition', () => {
    const { waiting } = proposals()
    waiting.applied(4, 1, null)
    for (const index of [4, 6]) assert.throws(() => waiting.applied(index, 1, null), { name: 'AssertionError' })
  })

  test('add: takes an index below those that wait, which a truncation has made free again', () => {
    const { waiting, answers, add } = proposals()
    add(9, 1)
    add(5, 3)
    for (const index of [4, 5]) waiting.applied(index, 3, null)
    assert.deepEqual(answers.outcomes, ['5@3: ok'])
    for (const index of [6, 7, 8, 9]) waiting.applied(index, 3, null)
    assert.deepEqual(answers.outcomes, ['5@3: ok', '9@1: NOT_APPLIED'])
    assert.throws(() => add(9), { name: 'AssertionError' }, 'what is applied is not proposed')
  })

  test('committed: answers at once what needs nothing of the state, and counts it until it is applied', () => {
    const { waiting, answers, add } = proposals()
    for (const index of [4, 5, 6]) add(index, 1, FOREVER, index === 5)
    waiting.committed(5, () => 1)
    assert.deepEqual(answers.outcomes, ['4@1: ok'])
    assert.deepEqual(answers.values, [{ logId: { term: 1, index: 4 } }])
    assert.deepEqual([waiting.count, waiting.bytes], [3, 30])
    waiting.committed(6, () => 1)
    assert.deepEqual(answers.outcomes, ['4@1: ok', '6@1: ok'])
    for (const index of [4, 5, 6]) waiting.applied(index, 1, null)
    assert.deepEqual(answers.outcomes, ['4@1: ok', '6@1: ok', '5@1: ok'])
    assert.deepEqual([waiting.count, waiting.bytes], [0, 0])
  })

  test('committed: leaves those of another term, and what the log does not hold, to the state', () => {
    const { waiting, answers, add } = proposals()
    add(4, 1, FOREVER, false)
    add(5, 1, FOREVER, false)
    waiting.committed(5, (index) => (index === 4 ? 2 : undefined))
    assert.deepEqual(answers.outcomes, [])
    waiting.applied(4, 2, null)
    waiting.applied(5, 1, null)
    assert.deepEqual(answers.outcomes, ['4@1: NOT_APPLIED', '5@1: ok'])
  })

  test('committed: what is answered is not answered again by a deadline, a snapshot, or the end', () => {
    for (const end of ['expire', 'skippedTo', 'abandon'] as const) {
      const { waiting, answers, add } = proposals()
      add(4, 1, 100, false)
      waiting.committed(4, () => 1)
      if (end === 'expire') waiting.expire(100)
      else if (end === 'skippedTo') waiting.skippedTo(4)
      else waiting.abandon('it stopped')
      assert.deepEqual([answers.outcomes, waiting.count, waiting.bytes], [['4@1: ok'], 0, 0], end)
    }
  })

  test('applied: says nothing to those who wait for other entries', () => {
    const { waiting, answers, add } = proposals()
    add(5)
    waiting.applied(4, 1, null)
    assert.deepEqual(answers.outcomes, [])
    assert.deepEqual([waiting.count, waiting.bytes], [1, 10])
  })

  test('skippedTo: makes the outcome of everything up to the snapshot unknown', () => {
    const { waiting, answers, add } = proposals()
    for (const index of [4, 5, 6]) add(index)
    waiting.skippedTo(5)
    assert.deepEqual(answers.outcomes, ['4@1: OUTCOME_UNKNOWN', '5@1: OUTCOME_UNKNOWN'])
    assert.deepEqual([waiting.count, waiting.bytes], [1, 10])
    waiting.applied(6, 1, null)
    assert.equal(answers.outcomes[2], '6@1: ok')
  })

  test('expire: gives up at the deadline, on each waiter by itself', () => {
    const { waiting, answers, add } = proposals()
    add(5, 1, 100)
    add(5, 2, 200)
    add(6, 2, 101)
    waiting.expire(99)
    assert.deepEqual(answers.outcomes, [])
    waiting.expire(100)
    assert.deepEqual(answers.outcomes, ['5@1: OUTCOME_UNKNOWN'])
    assert.deepEqual([waiting.count, waiting.bytes], [2, 20])
    waiting.applied(4, 1, null)
    waiting.applied(5, 1, null)
    assert.deepEqual(answers.outcomes.slice(1), ['5@2: NOT_APPLIED'])
    waiting.expire(150)
    assert.deepEqual(answers.outcomes.slice(2), ['6@2: OUTCOME_UNKNOWN'])
    waiting.applied(6, 2, null)
    assert.equal(answers.outcomes.length, 3)
    assert.deepEqual([waiting.count, waiting.bytes], [0, 0])
  })

  test('abandon: answers everyone once, and leaves room again', () => {
    const { waiting, answers, add } = proposals()
    add(5, 1)
    add(5, 2)
    add(6, 2)
    waiting.abandon('it stopped')
    assert.deepEqual(answers.outcomes, ['5@1: OUTCOME_UNKNOWN', '5@2: OUTCOME_UNKNOWN', '6@2: OUTCOME_UNKNOWN'])
    waiting.expire(FOREVER)
    waiting.skippedTo(10)
    assert.equal(answers.outcomes.length, 3)
    assert.deepEqual([waiting.count, waiting.bytes], [0, 0])
  })

  test('checkRoom: refuses past the bound by count', () => {
    const { waiting, add } = proposals()
    for (let i = 4; i < MAX_PROPOSALS + 3; i++) add(i)
    waiting.checkRoom(1)
    add(MAX_PROPOSALS + 3)
    assert.throws(() => waiting.checkRoom(1), { name: 'AspenError', code: 'OVERLOADED' })
    waiting.applied(4, 1, null)
    waiting.checkRoom(1)
  })

  test('checkRoom: refuses past the bound by bytes', () => {
    const { waiting } = proposals()
    const proposal = { bytes: MAX_PROPOSAL_BYTES - 10, deadline: FOREVER, answersFromState: true, reply: () => undefined }
    waiting.add({ term: 1, index: 4 }, proposal)
    waiting.checkRoom(10)
    assert.throws(() => waiting.checkRoom(11), { code: 'OVERLOADED', details: { queue: 'proposals' } })
  })
})

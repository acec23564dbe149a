import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AspenError } from '../../api/index.ts'
import { NEW_STATE } from '../../commands/index.ts'
import { MAX_PENDING_READS } from '../../limits.ts'
import { Answers } from '../hand-driven-stores.test.ts'
import { Reads } from './reads.ts'

const FOREVER = 1_000_000
const late = (): AspenError => new AspenError('NO_LEADER', 'late')

const EMPTY = { keys: 0, bytes: 0, systemRows: 0, systemBytes: 0 }

/** Reads of a state that has applied everything, unless said otherwise. */
function reads(index = Number.MAX_SAFE_INTEGER): {
  waiting: Reads
  answers: Answers<void>
  add: (ticket: number, deadline?: number) => void
} {
  const info = { applied: { term: 1, index }, membership: null, membershipIndex: 0, ...EMPTY, ...NEW_STATE }
  const waiting = new Reads({ info: () => info })
  const answers = new Answers<void>()
  let count = 0
  const add = (ticket: number, deadline = FOREVER): void => waiting.add(ticket, deadline, answers.reply(`${ticket}.${++count}`))
  return { waiting, answers, add }
}

describe('Reads', () => {
  test('ready: serves all reads of the ticket when the state is there already', () => {
    const { waiting, answers, add } = reads()
    add(1)
    add(1)
    add(2)
    waiting.ready(1, 10, 10)
    assert.deepEqual(answers.outcomes, ['1.1: ok', '1.2: ok'])
    assert.equal(waiting.count, 1)
    waiting.ready(1, 10, 10)
    assert.equal(answers.outcomes.length, 2)
  })

  test('ready, applied: a read is never served from a state that is not there yet', () => {
    const { waiting, add } = reads(9)
    add(1)
    add(2)
    assert.throws(() => waiting.ready(1, 10, 10), { name: 'AssertionError' })
    waiting.ready(2, 10, 9)
    assert.throws(() => waiting.applied(10), { name: 'AssertionError' })
  })

  test('expire: names the tickets for which nobody waits any more', () => {
    const { waiting, add } = reads()
    add(1, 100)
    add(1, 200)
    add(2, 100)
    assert.deepEqual([...waiting.expire(100, late)], [2])
    assert.deepEqual([...waiting.expire(200, late)], [1])
  })

  test('applied: serves reads once the state has reached their index, not before', () => {
    const { waiting, answers, add } = reads()
    add(1)
    add(2)
    waiting.ready(2, 12, 9)
    waiting.ready(1, 10, 9)
    waiting.applied(9)
    assert.deepEqual(answers.outcomes, [])
    waiting.applied(10)
    assert.deepEqual(answers.outcomes, ['1.1: ok'])
    waiting.applied(15)
    assert.deepEqual(answers.outcomes, ['1.1: ok', '2.2: ok'])
    assert.equal(waiting.count, 0)
  })

  test('whenApplied: calls back at once, or when the state is there, and at the end with the reason', () => {
    const { waiting, answers } = reads()
    waiting.whenApplied(10, 10, answers.reply('there'))
    waiting.whenApplied(12, 10, answers.reply('later'))
    waiting.whenApplied(20, 10, answers.reply('never'))
    waiting.expire(FOREVER, late)
    assert.deepEqual([answers.outcomes, waiting.count], [['there: ok'], 2])
    waiting.applied(12)
    assert.deepEqual(answers.outcomes, ['there: ok', 'later: ok'])
    waiting.expire(Number.POSITIVE_INFINITY, late)
    assert.deepEqual([answers.outcomes[2], waiting.count], ['never: NO_LEADER', 0])
  })

  test('whenApplied: is refused when as many wait as may', () => {
    const { waiting, answers } = reads()
    for (let i = 0; i < MAX_PENDING_READS; i++) waiting.whenApplied(1, 0, answers.reply(`${i}`))
    assert.throws(() => waiting.whenApplied(1, 0, answers.reply('more')), { name: 'AspenError', code: 'OVERLOADED' })
    assert.equal(waiting.count, MAX_PENDING_READS)
  })

  test('applied: serves no read whose round has no index yet', () => {
    const { waiting, answers, add } = reads()
    add(1)
    waiting.applied(100)
    assert.deepEqual(answers.outcomes, [])
  })

  test('expire: gives up on reads without an index, and on those that wait for the state', () => {
    const { waiting, answers, add } = reads()
    add(1, 100)
    add(1, 200)
    add(2, 100)
    add(2, 200)
    waiting.ready(2, 10, 9)
    waiting.expire(99, late)
    assert.deepEqual(answers.outcomes, [])
    waiting.expire(100, late)
    assert.deepEqual(answers.outcomes, ['1.1: NO_LEADER', '2.3: NO_LEADER'])
    assert.equal(waiting.count, 2)
    waiting.ready(1, 10, 9)
    waiting.applied(10)
    assert.deepEqual(answers.outcomes.slice(2), ['2.4: ok', '1.2: ok'])
    assert.equal(waiting.count, 0)
    waiting.expire(FOREVER, late)
    assert.equal(answers.outcomes.length, 4)
  })

  test('ready: says nothing for a ticket whose reads have all expired', () => {
    const { waiting, answers, add } = reads()
    add(1, 100)
    waiting.expire(100, late)
    waiting.ready(1, 10, 10)
    assert.deepEqual(answers.outcomes, ['1.1: NO_LEADER'])
  })

  test('checkRoom: refuses past the bound, and takes reads again when some were served', () => {
    const { waiting, add } = reads()
    for (let i = 1; i <= MAX_PENDING_READS; i++) {
      waiting.checkRoom()
      add(i)
    }
    assert.throws(() => waiting.checkRoom(), { name: 'AspenError', code: 'OVERLOADED', details: { queue: 'reads' } })
    waiting.ready(1, 1, 1)
    waiting.checkRoom()
  })
})

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, test } from 'node:test'
import { AnswerBudget } from './answer-budget.ts'
import { MAX_CONNECTION_ANSWER_BYTES } from '../../limits.ts'

const answerOn = (socket: object): ServerResponse =>
  Object.assign(new EventEmitter(), { req: { socket } }) as unknown as ServerResponse
const HALF = MAX_CONNECTION_ANSWER_BYTES / 2

describe('AnswerBudget', () => {
  test('bounds what one connection has not read; others are not concerned', () => {
    const budget = new AnswerBudget(1e12)
    const socket = {}
    const first = answerOn(socket)
    assert.equal(budget.take(first, HALF), undefined)
    assert.equal(budget.take(answerOn(socket), HALF), undefined)
    assert.match(budget.take(answerOn(socket), 2000)?.message ?? '', /wait to be read on this connection/)
    assert.equal(budget.take(answerOn(socket), 1000), undefined, 'a small answer, a refusal say, always goes')
    assert.equal(budget.take(answerOn({}), HALF), undefined)
    first.emit('close')
    assert.equal(budget.take(answerOn(socket), 2000), undefined)
  })

  test('bounds what all have not read, whose answers are one to a connection', () => {
    const budget = new AnswerBudget(10 * HALF)
    const answers = Array.from({ length: 10 }, () => answerOn({}))
    for (const answer of answers) assert.equal(budget.take(answer, HALF), undefined)
    assert.equal(budget.take(answerOn({}), 2000)?.details['queue'], 'http_answers')
    for (const answer of answers) answer.emit('close')
    assert.equal(budget.heldBytes, 0)
  })

  test('lets the one answer of a connection go, however large', () => {
    const budget = new AnswerBudget(HALF)
    const answer = answerOn({})
    assert.equal(budget.take(answer, 5 * MAX_CONNECTION_ANSWER_BYTES), undefined)
    assert.equal(budget.take(answerOn({}), 2000)?.code, 'OVERLOADED')
    answer.emit('close')
    assert.equal(budget.take(answerOn({}), 2000), undefined)
  })
})

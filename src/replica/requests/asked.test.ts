import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Asked } from './asked.ts'

describe('Asked', () => {
  test('answer: passes one answer on, and a second one is a broken invariant', () => {
    const heard: unknown[] = []
    const asked = new Asked<number>((error, value) => heard.push(error ?? value))
    assert.equal(asked.answered, false)
    asked.answer(undefined, 7)
    assert.deepEqual([heard, asked.answered], [[7], true])
    for (const error of [undefined, new Error('late')]) assert.throws(() => asked.answer(error), { name: 'AssertionError' })
    assert.deepEqual(heard, [7])
  })
})

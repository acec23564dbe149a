import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_MAILBOX_CAPACITY } from '../limits.ts'
import { Mailbox } from './mailbox.ts'

describe('Mailbox', () => {
  test('offer: takes messages up to the capacity, refuses and counts the rest', () => {
    const mailbox = new Mailbox<number>(2)
    assert.deepEqual(
      [1, 2, 3, 4].map((n) => mailbox.offer(n)),
      [true, true, false, false],
    )
    assert.equal(mailbox.depth, 2)
    assert.equal(mailbox.refused, 2)
    mailbox.take()
    assert.equal(mailbox.offer(5), true)
    assert.equal(mailbox.refused, 2)
  })

  test('take: gives messages back in the order they came', () => {
    const mailbox = new Mailbox<string>(3)
    for (const message of ['a', 'b', 'c']) mailbox.offer(message)
    assert.deepEqual([mailbox.take(), mailbox.take(), mailbox.take(), mailbox.take()], ['a', 'b', 'c', undefined])
    assert.equal(mailbox.depth, 0)
  })

  test('Mailbox: refuses a capacity outside of the limits', () => {
    for (const capacity of [0, -1, Number.NaN, MAX_MAILBOX_CAPACITY + 1]) {
      assert.throws(() => new Mailbox(capacity), { name: 'AssertionError' })
    }
    assert.equal(new Mailbox(MAX_MAILBOX_CAPACITY).capacity, MAX_MAILBOX_CAPACITY)
  })
})

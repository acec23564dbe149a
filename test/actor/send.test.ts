import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor } from '../../src/actor/index.ts'
import type { ActorRef } from '../../src/actor/index.ts'
import { codeOf, Stage, watch } from './stage.ts'

interface Slow {
  /** Takes 10 ms. */
  work(n: number): Promise<void>
}

function slow(capacity: number): { stage: Stage; handled: number[]; ref: ActorRef<Slow> } {
  const stage = new Stage()
  const handled: number[] = []
  const definition = defineActor<Slow>({
    start: () => ({
      work: (n) => {
        handled.push(n)
        return new Promise((resolve) => void stage.clock.setTimer(10, resolve))
      },
    }),
  })
  return { stage, handled, ref: stage.system.spawn(definition, { mailboxCapacity: capacity }) }
}

describe('ActorRef.send', () => {
  test('resolves at once when there is room', async () => {
    const { stage, handled, ref } = slow(2)
    const sent = watch(ref.send('work', 1))
    await Promise.resolve()
    assert.equal(sent.settled, true)
    assert.deepEqual(handled, [])
    await stage.rest()
    assert.deepEqual(handled, [1])
  })

  test('waits for room: those who wait are taken in their order, before those who do not wait, and the mailbox keeps its bound', async () => {
    const { stage, handled, ref } = slow(2)
    const sent = [1, 2, 3, 4, 5].map((n) => watch(ref.send('work', n)))
    await stage.rest()
    // One is in hand, two wait in the mailbox, two for room.
    assert.deepEqual(
      sent.map(({ settled }) => settled),
      [true, true, true, false, false],
    )
    assert.equal(stage.system.snapshot()[0]?.depth, 2)
    assert.equal(ref.trySend('work', 9), false, 'nobody overtakes those who wait')
    await stage.pass(10)
    assert.equal(ref.trySend('work', 9), false, 'the room that there was is that of who waited')
    assert.deepEqual(
      sent.map(({ settled }) => settled),
      [true, true, true, true, false],
    )
    for (let i = 0; i < 4; i++) await stage.pass(10)
    assert.deepEqual(handled, [1, 2, 3, 4, 5])
  })

  test('rejects at the deadline, and what was not taken is never handled', async () => {
    const { stage, handled, ref } = slow(1)
    const sent = [1, 2, 3].map((n) => watch(ref.send('work', n, { timeoutMs: 5 })))
    await stage.rest()
    assert.equal(sent[2]?.settled, false)
    await stage.pass(5)
    assert.equal(codeOf(sent[2] ?? {}), 'OVERLOADED')
    for (let i = 0; i < 4; i++) await stage.pass(10)
    assert.deepEqual(handled, [1, 2])
  })

  test('rejects when the actor is gone before there is room, and afterwards', async () => {
    const { stage, ref } = slow(1)
    const sent = [1, 2, 3].map((n) => watch(ref.send('work', n)))
    await stage.rest()
    ref.stop().catch(() => undefined)
    await stage.pass(10)
    assert.equal(codeOf(sent[2] ?? {}), 'DOWN')
    const late = watch(ref.send('work', 4))
    await stage.rest()
    assert.equal(codeOf(late), 'DOWN')
  })

  test('more senders than may wait are refused at once', async () => {
    const { stage, ref } = slow(1)
    const sent = Array.from({ length: 10_003 }, (_, n) => watch(ref.send('work', n, { timeoutMs: 5 })))
    await Promise.resolve()
    await Promise.resolve()
    assert.equal(sent.filter((one) => codeOf(one) === 'OVERLOADED').length, 2)
    await stage.pass(5)
    assert.equal(sent.filter((one) => codeOf(one) === 'OVERLOADED').length, 10_001)
  })

  test('no time, or more than a timer can wait, is refused', () => {
    const { ref } = slow(1)
    for (const timeoutMs of [0, -1, Number.NaN, 2 ** 31, '5' as unknown as number, null as unknown as number])
      assert.throws(() => ref.send('work', 1, { timeoutMs }), RangeError)
  })
})

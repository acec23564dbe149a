import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Deque } from './deque.ts'

type Step = readonly ['push' | 'set', number] | readonly ['shift' | 'pop' | 'clear']

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant('push' as const), fc.nat()) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom('shift' as const, 'pop' as const)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('set' as const), fc.nat()) },
  { weight: 1, arbitrary: fc.constant(['clear'] as const) },
)

/** Does the same to an array and to the deque; what they return must agree. */
function run(deque: Deque<number>, model: number[], [name, value = 0]: Step | [Step[0], number?]): void {
  switch (name) {
    case 'push':
      deque.push(value)
      model.push(value)
      return
    case 'shift':
      return assert.equal(deque.shift(), model.shift())
    case 'pop':
      return assert.equal(deque.pop(), model.pop())
    case 'set': {
      if (model.length === 0) return
      const at = value % model.length
      deque.set(at, -1)
      model[at] = -1
      return
    }
    case 'clear':
      deque.clear()
      model.length = 0
  }
}

describe('Deque', () => {
  test('Deque: behaves like an array through growth, wrapping and clearing', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const deque = new Deque<number>()
        const model: number[] = []
        for (const one of steps) {
          run(deque, model, one)
          assert.equal(deque.length, model.length)
        }
        assert.deepEqual(
          Array.from({ length: deque.length }, (_, i) => deque.at(i)),
          model,
        )
      }),
    )
  })

  test('push: keeps the order when the ring grows while it is wrapped', () => {
    const deque = new Deque<number>()
    for (let i = 0; i < 16; i++) deque.push(i)
    for (let i = 0; i < 10; i++) deque.shift()
    for (let i = 16; i < 40; i++) deque.push(i)
    assert.deepEqual(
      Array.from({ length: 30 }, () => deque.shift()),
      Array.from({ length: 30 }, (_, i) => i + 10),
    )
    assert.equal(deque.shift(), undefined)
    assert.equal(deque.pop(), undefined)
  })

  test('at: is undefined outside of what is held', () => {
    const deque = new Deque<string>()
    deque.push('a')
    deque.push('b')
    deque.shift()
    assert.equal(deque.at(0), 'b')
    assert.equal(deque.at(-1), undefined)
    assert.equal(deque.at(1), undefined)
    for (let i = 0; i < 15; i++) deque.push('full')
    assert.equal(deque.at(-1), undefined, 'also when the ring is full')
    assert.equal(deque.at(16), undefined)
  })

  test('set: refuses a position that is not held', () => {
    const deque = new Deque<string>()
    assert.throws(() => deque.set(0, 'x'), { name: 'AssertionError' })
    deque.push('a')
    assert.throws(() => deque.set(1, 'x'), { name: 'AssertionError' })
    assert.throws(() => deque.set(-1, 'x'), { name: 'AssertionError' })
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Actor } from './actor.ts'

interface Stage {
  readonly actor: Actor<string>
  readonly handled: string[]
  readonly faults: Error[]
  readonly dropped: string[]
  /** Runs the oldest deferred turn; false when there is none. */
  turn(): boolean
}

function stage(capacity: number, receive: (message: string, stage: Stage) => void = () => undefined): Stage {
  const turns: (() => void)[] = []
  const handled: string[] = []
  const faults: Error[] = []
  const dropped: string[] = []
  const actor = new Actor<string>({
    capacity,
    defer: (run) => turns.push(run),
    receive: (message) => {
      handled.push(message)
      receive(message, self)
    },
    onFault: (error) => faults.push(error),
    dropped: (message) => dropped.push(message),
  })
  const self: Stage = {
    actor,
    handled,
    faults,
    dropped,
    turn: () => {
      const run = turns.shift()
      run?.()
      return run !== undefined
    },
  }
  return self
}

describe('Actor', () => {
  test('send: handles nothing before its turn, then everything in order, in one turn', () => {
    const { actor, handled, turn } = stage(10)
    for (const message of ['a', 'b', 'c']) assert.equal(actor.send(message), true)
    assert.deepEqual(handled, [])
    assert.equal(turn(), true)
    assert.deepEqual(handled, ['a', 'b', 'c'])
    assert.equal(turn(), false)
    assert.equal(actor.status.turns, 1)
  })

  test('send: refuses and counts what finds the mailbox full', () => {
    const { actor, handled, turn } = stage(2)
    assert.deepEqual([actor.send('a'), actor.send('b'), actor.send('c')], [true, true, false])
    assert.deepEqual(actor.status, { depth: 2, capacity: 2, refused: 1, turns: 0, faulty: false })
    turn()
    assert.deepEqual(handled, ['a', 'b'])
    assert.equal(actor.send('d'), true)
  })

  test('send: a message sent while one is handled waits for the next turn', () => {
    const { actor, handled, turn } = stage(10, (message, self) => {
      if (message === 'a') self.actor.send('later')
    })
    actor.send('a')
    actor.send('b')
    turn()
    assert.deepEqual(handled, ['a', 'b'])
    assert.equal(actor.status.depth, 1)
    assert.equal(turn(), true)
    assert.deepEqual(handled, ['a', 'b', 'later'])
    assert.equal(turn(), false, 'one turn is scheduled for it, not two')
  })

  test('receive: an error makes the actor faulty, once; what follows is not handled, and said to be dropped', () => {
    const { actor, handled, faults, dropped, turn } = stage(10, (message) => {
      if (message === 'bad') throw new Error('boom')
    })
    for (const message of ['a', 'bad', 'b']) actor.send(message)
    turn()
    assert.deepEqual(handled, ['a', 'bad'])
    assert.deepEqual(dropped, ['b'])
    assert.deepEqual(
      faults.map((error) => error.message),
      ['boom'],
    )
    assert.equal(actor.status.faulty, true)
    assert.equal(actor.send('c'), false)
    assert.equal(turn(), false)
    assert.equal(faults.length, 1)
  })

  test('receive: what is thrown and no Error is reported as one', () => {
    const { actor, faults, turn } = stage(10, () => {
      // oxlint-disable-next-line typescript/only-throw-error -- what libraries may do
      throw 'just text'
    })
    actor.send('a')
    turn()
    assert.ok(faults[0] instanceof Error)
    assert.equal(faults[0].message, 'just text')
  })
})

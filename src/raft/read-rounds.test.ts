import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ReadRounds } from './read-rounds.ts'

const PATIENCE_MS = 50

describe('ReadRounds: tickets that nobody waits for any more', () => {
  test('forget: a follower whose answers are lost asks again only for those who still wait', () => {
    const rounds = new ReadRounds()
    let asked = 0
    // Each read is given up after two intervals; none of them was ever answered.
    const waiting: number[] = []
    for (let now = 0; now < 1_000 * PATIENCE_MS; now += PATIENCE_MS) {
      rounds.rejoinLost(now, PATIENCE_MS)
      waiting.push(rounds.join())
      rounds.forget(new Set(waiting.splice(0, Math.max(0, waiting.length - 2))))
      asked = rounds.ask(now) ?? assert.fail('there is somebody to ask for')
    }
    assert.deepEqual(
      rounds.answered(asked).toSorted((a, b) => a - b),
      waiting,
    )
  })

  test('forget: a ticket that was handed out last is not given to the next read', () => {
    const rounds = new ReadRounds()
    const first = rounds.join()
    rounds.forget(new Set([first]))
    assert.equal(rounds.ask(0), null, 'nobody is to be asked for')
    const second = rounds.join()
    assert.notEqual(second, first)
    const context = rounds.ask(0) ?? assert.fail('one waits')
    assert.deepEqual(rounds.answered(context), [second])
  })

  test('forget: a leader confirms its round for those who wait', () => {
    const rounds = new ReadRounds()
    const first = rounds.join()
    rounds.openRound(5)
    const second = rounds.join()
    rounds.openRound(6)
    rounds.forget(new Set([first]))
    assert.deepEqual(
      rounds.confirm(2).map(({ index, tickets }) => [index, ...tickets]),
      [[5], [6, second]],
    )
  })
})

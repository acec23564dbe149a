import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FORGOTTEN_MARK_TIMEOUT_MS } from '../limits.ts'
import type { Done, Timer } from '../ports/index.ts'
import { markForgotten } from './forgotten-promise.ts'

/** A log whose disk answers when, and as, the test says. */
function scene(): { readonly said: string[]; readonly answer: Done; readonly late: () => void; readonly ended: () => number } {
  const said: string[] = []
  let ended = 0
  let answer: Done = assert.fail
  let late: () => void = assert.fail
  markForgotten(
    {
      log: { distrust: (reason, done) => void (said.push(`marks ${reason}`), (answer = done)) },
      clock: {
        setTimer: (ms, run): Timer => {
          assert.equal(ms, FORGOTTEN_MARK_TIMEOUT_MS)
          late = run
          return { cancel: () => (late = () => undefined) }
        },
      },
      logger: { log: (level, message, facts) => said.push(`${level} ${message} ${JSON.stringify(facts)}`) },
    },
    new Error('entry 7 is gone'),
    () => ended++,
  )
  return { said, answer: (error) => answer(error), late: () => late(), ended: () => ended }
}

test('markForgotten: the node ends when its log is marked, and not before', () => {
  const { said, answer, late, ended } = scene()
  assert.deepEqual([said, ended()], [['marks entry 7 is gone'], 0])
  answer()
  late()
  assert.equal(ended(), 1)
  assert.match(said[1] as string, /^fatal the log is marked: .* rejoin \{\}$/)
  assert.equal(said.length, 2)
})

test('markForgotten: it ends, too, when the disk refuses the mark or does not answer, and says what to do', () => {
  for (const fails of ['full', 'hangs']) {
    const { said, answer, late, ended } = scene()
    if (fails === 'full') answer(new Error('ENOSPC'))
    else late()
    answer()
    assert.equal(ended(), 1)
    assert.match(
      said[1] as string,
      /^fatal the log could not be marked: .* rejoin --even-if-sound \{"error":"(ENOSPC|not written within 3000 ms)"\}$/,
    )
    assert.equal(said.length, 2)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Later } from '../later.ts'
import { OpenLaters } from './open-laters.ts'

interface Caller {
  settled: boolean
  readonly keptBy: null
  begin(): boolean
  answer(value: unknown): void
  refuse(): void
}

test('keep: what nobody waits for is dropped in time, what somebody waits for never', () => {
  const open = new OpenLaters()
  const callers: Caller[] = []
  const answers: unknown[] = []
  for (let id = 0; id < 100_000; id++) {
    const later = new Later<unknown>()
    const answer = (value: unknown): void => void answers.push(value)
    const caller: Caller = { settled: false, keptBy: null, begin: () => true, answer, refuse: () => undefined }
    open.keep(id, later)
    later.attach(caller)
    callers.push(caller)
    // One in a hundred waits on.
    if (id >= 50) caller.settled = id % 100 !== 0
  }
  const waiting = callers.filter(({ settled }) => !settled).length
  assert.ok(waiting > 1_000)
  assert.ok(open.size < 2 * waiting + 1_100, `${open.size} are kept, and ${waiting} wait`)
  for (const [id, { settled }] of callers.entries()) if (!settled) open.take(id)?.answer(id)
  assert.equal(answers.length, waiting)
  assert.equal(open.take(0), undefined, 'it was taken before')
})

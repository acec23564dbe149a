import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turns } from './turns.ts'

test('Turns: ends when nothing is held any more, however many turns that takes', async () => {
  const turns = new Turns()
  assert.equal(turns.due, false)
  turns.hold()
  let left = 7
  const work = (): void => {
    if (--left > 0) setImmediate(work)
    else turns.release()
  }
  setImmediate(work)
  assert.equal(turns.due, true)
  await turns.take()
  assert.equal(left, 0)
  assert.equal(turns.due, false)
})

test('Turns: takes one for a promise that has settled, and for what that one settles', async () => {
  const turns = new Turns()
  const done: string[] = []
  queueMicrotask(() => {
    done.push('first')
    setImmediate(() => done.push('second'))
    queueMicrotask(() => done.push('then'))
    turns.ask()
  })
  turns.ask()
  await turns.take()
  assert.deepEqual(done, ['first', 'then', 'second'])
})

test('Turns: what waits for more than simulated events is an error, and so is what failed meanwhile', async () => {
  const turns = new Turns()
  turns.hold()
  await assert.rejects(turns.take(), /1 HTTP requests wait for more than simulated events/)
  turns.release()
  turns.fail(new Error('first'))
  turns.fail(new Error('second'))
  assert.equal(turns.due, true)
  await assert.rejects(turns.take(), /first/)
})

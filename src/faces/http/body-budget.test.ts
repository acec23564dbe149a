import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { BodyBudget } from './body-budget.ts'

test('counted: a body that is cut when nobody reads it any more is no error of the process', async () => {
  const body = new PassThrough()
  const counted = new BodyBudget(100).counted(body, () => undefined)
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  // Not `once`, which would listen for the error as well.
  counted.on('close', () => resolve())
  body.destroy(new Error('aborted'))
  await closed
  assert.equal(counted.destroyed, true)
})

test('counted: gives the room back once the request was answered, and refuses what finds none', async () => {
  const budget = new BodyBudget(10)
  const body = new PassThrough()
  let release: (() => void) | undefined
  const counted = budget.counted(body, (run) => (release = run)).resume()
  body.end('12345678')
  await once(counted, 'end')
  const refused = async (): Promise<unknown> => {
    const second = new PassThrough()
    const reading = budget.counted(second, (run) => setImmediate(run)).toArray()
    second.end('123')
    return reading.then(
      () => 'taken',
      (error: { readonly code: string }) => error.code,
    )
  }
  assert.equal(await refused(), 'OVERLOADED')
  release?.()
  assert.equal(await refused(), 'taken')
})

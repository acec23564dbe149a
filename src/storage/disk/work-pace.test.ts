import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SYNC_STEP_BYTES, WorkPace } from './work-pace.ts'

test('WorkPace: has what was written synced step by step, however large the chunks are', () => {
  let synced = 0
  const pace = new WorkPace(() => synced++)
  for (let i = 0; i < 32; i++) pace.advance(SYNC_STEP_BYTES / 8)
  assert.equal(synced, 4)
  pace.advance(3 * SYNC_STEP_BYTES)
  assert.equal(synced, 5)
})

test('WorkPace: a sync that fails is thrown, and ends the work', () => {
  const pace = new WorkPace(() => {
    throw new Error('EIO')
  })
  assert.throws(() => pace.advance(SYNC_STEP_BYTES), /EIO/)
})

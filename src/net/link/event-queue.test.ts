import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventQueue } from './event-queue.ts'

test('EventQueue: runs what was posted after the caller, in order, with what that posts', async () => {
  const queue = new EventQueue()
  const seen: number[] = []
  queue.post(() => {
    seen.push(1)
    queue.post(() => seen.push(3))
  })
  queue.post(() => seen.push(2))
  assert.deepEqual(seen, [])
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(seen, [1, 2, 3])
})

test('EventQueue: runs what was posted before input that comes in first', () => {
  const queue = new EventQueue()
  const seen: number[] = []
  queue.post(() => seen.push(1))
  queue.drain()
  seen.push(2)
  queue.drain()
  assert.deepEqual(seen, [1, 2])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogBatch } from '../../ports/index.ts'
import { batchSize } from './frame-encoder.ts'
import { planFrames, roomAt } from './frame-plan.ts'
import { SEGMENT_HEADER_SIZE } from './segment-header.ts'

const SEGMENT_SIZE = 4096

function batchOf(size: number): LogBatch {
  return { entries: [{ index: 1, term: 1, kind: 'command', payload: new Uint8Array(size) }] }
}

test('planFrames: is one frame in the current segment when everything fits, leaving out what says nothing', () => {
  const [a, b] = [batchOf(10), batchOf(20)]
  const frames = planFrames([{ entries: [] }, a, b], batchSize(a) + batchSize(b), SEGMENT_SIZE)
  assert.deepEqual(frames, [{ batches: [a, b], size: batchSize(a) + batchSize(b), newCapacity: 0 }])
})

test('planFrames: is nothing when nothing is said', () => {
  assert.deepEqual(planFrames([{ entries: [] }], 0, SEGMENT_SIZE), [])
})

test('planFrames: fills the current segment first, then begins one of the usual size', () => {
  const batches = [batchOf(100), batchOf(100)]
  const frames = planFrames(batches, 200, SEGMENT_SIZE)
  assert.deepEqual(
    frames.map((frame) => [frame.batches.length, frame.newCapacity]),
    [
      [1, 0],
      [1, SEGMENT_SIZE],
    ],
  )
})

test('planFrames: keeps every batch, whole and in order, and every frame within its room', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(6000)), fc.integer({ min: -100, max: 4000 }), (sizes, room) => {
      const batches = sizes.map(batchOf)
      const frames = planFrames(batches, room, SEGMENT_SIZE)
      assert.deepEqual(
        frames.flatMap((frame) => frame.batches),
        batches,
      )
      for (const [i, frame] of frames.entries()) {
        assert.equal(
          frame.size,
          frame.batches.reduce((sum, batch) => sum + batchSize(batch), 0),
        )
        const isCurrent = frame.newCapacity === 0
        assert.ok(i === 0 || !isCurrent)
        assert.ok(frame.size <= (isCurrent ? room : roomAt(SEGMENT_HEADER_SIZE, frame.newCapacity)))
        assert.ok(isCurrent || frame.newCapacity >= SEGMENT_SIZE)
      }
    }),
  )
})

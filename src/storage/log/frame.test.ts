import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeEmptyFrame, FrameEncoder } from './frame-encoder.ts'
import { checkFrame, checksumSeed, decodeFrameHeader, FRAME_DATA, FRAME_HEADER_SIZE, FRAME_SEAL, segmentBytes } from './frame.ts'
import type { SegmentBytes } from './frame.ts'

const SEED = checksumSeed('store', 1)

/** `frame` at `at`, with other bytes around it. */
function placed(frame: Uint8Array, at: number, seed = SEED): SegmentBytes {
  const bytes = new Uint8Array(400).fill(0x55)
  bytes.set(frame, at)
  return segmentBytes(bytes, seed)
}

test('decodeFrameHeader: reads a header where it was written, and nowhere else', () => {
  const frame = encodeEmptyFrame(FRAME_SEAL, SEED, 77, 100)
  assert.deepEqual(decodeFrameHeader(placed(frame, 100), 100), {
    sequence: 77,
    end: 100 + FRAME_HEADER_SIZE,
    recordCount: 0,
    kind: FRAME_SEAL,
  })
  assert.equal(decodeFrameHeader(placed(frame, 108), 108), undefined)
  assert.equal(decodeFrameHeader(placed(frame, 100), 99), undefined)
  assert.equal(decodeFrameHeader(placed(frame, 100), 399), undefined)
})

test('decodeFrameHeader: refuses a header of another segment or log', () => {
  const frame = encodeEmptyFrame(FRAME_SEAL, SEED, 77, 100)
  assert.equal(decodeFrameHeader(placed(frame, 100, checksumSeed('store', 2)), 100), undefined)
  assert.equal(decodeFrameHeader(placed(frame, 100, checksumSeed('other', 1)), 100), undefined)
})

test('checkFrame: accepts a whole frame, and none of which a single bit has changed', () => {
  const encoder = new FrameEncoder()
  encoder.begin(SEED, 2 * 28 + 3, 0)
  encoder.entry({ index: 1, term: 2, kind: 'command', payload: Uint8Array.of(1, 2, 3) })
  encoder.hardState({ term: 2, votedFor: null })
  const frame = encoder.finish(FRAME_DATA, 5, 40).slice()
  assert.deepEqual(checkFrame(placed(frame, 40), 40), { sequence: 5, end: 40 + frame.length, recordCount: 2, kind: FRAME_DATA })
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const flipped = frame.slice()
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    assert.equal(checkFrame(placed(flipped, 40), 40), undefined, `bit ${bit}`)
  }
})

test('FrameEncoder: gives the same bytes for a small frame before and after a large one', () => {
  const encoder = new FrameEncoder()
  const encode = (size: number): Uint8Array => {
    encoder.begin(SEED, 28 + size, 16)
    encoder.entry({ index: 1, term: 2, kind: 'noop', payload: new Uint8Array(size).fill(7) })
    return encoder.finish(FRAME_DATA, 5, 16).slice(16)
  }
  const small = encode(10)
  assert.equal(encode(9_000_000).length, FRAME_HEADER_SIZE + 28 + 9_000_000)
  assert.deepEqual(encode(10), small)
})

import { AssertionError } from '../../lib/index.ts'
import type { LogBatch } from '../../ports/index.ts'
import { batchSize } from './frame-encoder.ts'
import { FRAME_HEADER_SIZE } from './frame.ts'
import { SEGMENT_HEADER_SIZE } from './segment-header.ts'

/** Room at the end of every segment for a marker and for a seal. */
const RESERVED_SIZE = 2 * FRAME_HEADER_SIZE

/** Positions in a file have 32 bits. */
const MAX_CAPACITY = 0x1_0000_0000

/** The batches of one frame. */
export interface PlannedFrame {
  readonly batches: LogBatch[]
  /** Bytes of the records. */
  size: number
  /** 0 for the segment that is being written; else a new segment of this many bytes begins with the frame. */
  newCapacity: number
}

/** Bytes of records that still fit in one more frame. */
export function roomAt(position: number, capacity: number): number {
  return capacity - position - FRAME_HEADER_SIZE - RESERVED_SIZE
}

/** The smallest segment that a frame with so many bytes of records can begin. */
export function leastCapacity(size: number): number {
  return SEGMENT_HEADER_SIZE + FRAME_HEADER_SIZE + size + RESERVED_SIZE
}

/**
 * Puts batches into as few frames as the segments allow, without splitting a batch. A batch larger than a segment
 * gets a segment that is large enough.
 * @param room bytes of records that one frame in the current segment can hold
 */
export function planFrames(batches: readonly LogBatch[], room: number, segmentSize: number): PlannedFrame[] {
  const frames: PlannedFrame[] = []
  let frame: PlannedFrame = { batches: [], size: 0, newCapacity: 0 }
  let left = room
  for (const batch of batches) {
    const size = batchSize(batch)
    if (size === 0) continue
    if (size > left) {
      if (frame.size > 0) frames.push(frame)
      const emptyRoom = roomAt(SEGMENT_HEADER_SIZE, segmentSize)
      const newCapacity = segmentSize + Math.max(0, size - emptyRoom)
      if (newCapacity >= MAX_CAPACITY) throw new AssertionError(`a batch of ${size} bytes is too large for a log segment`)
      frame = { batches: [], size: 0, newCapacity }
      left = roomAt(SEGMENT_HEADER_SIZE, newCapacity)
    }
    frame.batches.push(batch)
    frame.size += size
    left -= size
  }
  if (frame.size > 0) frames.push(frame)
  return frames
}

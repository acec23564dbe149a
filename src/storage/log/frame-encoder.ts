import { crc32 } from 'node:zlib'
import { assert, utf8Encode } from '../../lib/index.ts'
import type { LogBatch } from '../../ports/index.ts'
import type { Entry, HardState, LogId } from '../../raft/index.ts'
import {
  FRAME_HEADER_SIZE,
  FRAME_MAGIC,
  kindNumber,
  LOG_GROUP,
  RECORD_CLUSTER_ID,
  RECORD_ENTRY_FIRST,
  RECORD_HARD_STATE,
  RECORD_HEADER_SIZE,
  RECORD_NEEDS,
  RECORD_TRUNCATE,
} from './frame.ts'
import { setInt64 } from './int64.ts'

const INITIAL_SIZE = 64 * 1024
/** A buffer that one large write has grown beyond this is given back after it. */
const KEPT_SIZE = 4 * 1024 * 1024
const EMPTY = new Uint8Array(0)

/** Bytes of the records of a batch, not counting the frame around them; 0 for a batch that says nothing. */
export function batchSize(batch: LogBatch): number {
  let size = 0
  if (batch.clusterId !== undefined) size += RECORD_HEADER_SIZE + utf8Encode(batch.clusterId).length
  if (batch.hardState !== undefined) size += RECORD_HEADER_SIZE
  if (batch.truncateFrom !== undefined) size += RECORD_HEADER_SIZE
  for (const entry of batch.entries) size += RECORD_HEADER_SIZE + entry.payload.length
  return size
}

/** Builds one frame at a time in a buffer that is reused: the bytes it returns are valid until the next `begin`. */
export class FrameEncoder {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(INITIAL_SIZE)
  #view: DataView<ArrayBuffer> = new DataView(this.#bytes.buffer)
  #seed = 0
  #prefix = 0
  #length = 0
  #recordCount = 0

  /**
   * Starts a frame whose records take `size` bytes.
   * @param prefix bytes left free in front of the frame, for a segment header that is written with it
   */
  begin(seed: number, size: number, prefix: number): void {
    const needed = prefix + FRAME_HEADER_SIZE + size
    if (needed > this.#bytes.length) this.#allocate(Math.max(needed, Math.min(this.#bytes.length * 2, KEPT_SIZE)))
    else if (this.#bytes.length > KEPT_SIZE && needed <= KEPT_SIZE) this.#allocate(KEPT_SIZE)
    this.#seed = seed
    this.#prefix = prefix
    this.#length = prefix + FRAME_HEADER_SIZE
    this.#recordCount = 0
  }

  clusterId(id: string): void {
    this.#record(RECORD_CLUSTER_ID, 0, 0, utf8Encode(id))
  }

  hardState(hardState: HardState): void {
    this.#record(RECORD_HARD_STATE, hardState.votedFor ?? 0, hardState.term, EMPTY)
  }

  truncate(lastKept: LogId): void {
    this.#record(RECORD_TRUNCATE, lastKept.index, lastKept.term, EMPTY)
  }

  /** Returns where the record begins, counted from the beginning of the frame. */
  entry(entry: Entry): number {
    return this.#record(RECORD_ENTRY_FIRST + kindNumber(entry.kind), entry.index, entry.term, entry.payload)
  }

  /** Ends the frame, which will be at `position` in its file; returns the prefix and the frame. */
  finish(kind: number, sequence: number, position: number): Uint8Array {
    const view = this.#view
    const at = this.#prefix
    view.setUint32(at, FRAME_MAGIC, true)
    setInt64(view, at + 8, sequence)
    view.setUint32(at + 16, position, true)
    view.setUint32(at + 20, this.#length - at - FRAME_HEADER_SIZE, true)
    view.setUint32(at + 24, this.#recordCount, true)
    view.setUint32(at + 28, kind, true)
    view.setUint32(at + 4, crc32(this.#bytes.subarray(at + 8, at + FRAME_HEADER_SIZE), this.#seed), true)
    return this.#bytes.subarray(0, this.#length)
  }

  #record(type: number, index: number, term: number, payload: Uint8Array): number {
    const view = this.#view
    const at = this.#length
    const end = at + RECORD_HEADER_SIZE + payload.length
    assert(end <= this.#bytes.length, 'a frame is larger than the size it was begun with')
    view.setUint32(at + 4, payload.length, true)
    view.setUint8(at + 8, type)
    view.setUint16(at + 9, LOG_GROUP, true)
    view.setUint8(at + 11, RECORD_NEEDS)
    setInt64(view, at + 12, index)
    setInt64(view, at + 20, term)
    this.#bytes.set(payload, at + RECORD_HEADER_SIZE)
    view.setUint32(at, crc32(this.#bytes.subarray(at + 4, end), this.#seed), true)
    this.#length = end
    this.#recordCount++
    return at - this.#prefix
  }

  #allocate(size: number): void {
    this.#bytes = new Uint8Array(size)
    this.#view = new DataView(this.#bytes.buffer)
  }
}

/** An empty frame of its own bytes: a marker or a seal. */
export function encodeEmptyFrame(kind: number, seed: number, sequence: number, position: number): Uint8Array {
  const encoder = new FrameEncoder()
  encoder.begin(seed, 0, 0)
  return encoder.finish(kind, sequence, position)
}

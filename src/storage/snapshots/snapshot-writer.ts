/** The records of a snapshot file, as bytes, collected into chunks. */
import type { KeyValue } from '../../api/index.ts'
import type { Space } from '../../commands/index.ts'
import { SNAPSHOT_CHUNK_SIZE } from '../../limits.ts'
import {
  encodeHeader,
  PRELUDE_SIZE,
  ROW_HEAD_SIZE,
  SNAPSHOT_MAGIC,
  SNAPSHOT_TRAILER,
  SNAPSHOT_VERSION,
  writeUint64,
} from './snapshot-format.ts'
import type { SnapshotHeader } from './snapshot-format.ts'

/** Takes records in the order of the format; a chunk may be larger by one of them. */
export class SnapshotWriter {
  #buffer: Buffer = Buffer.allocUnsafeSlow(SNAPSHOT_CHUNK_SIZE)
  #length = 0

  head(header: SnapshotHeader): void {
    const body = encodeHeader(header)
    const prelude = Buffer.alloc(PRELUDE_SIZE)
    SNAPSHOT_MAGIC.copy(prelude)
    prelude.writeUInt32BE(SNAPSHOT_VERSION, 8)
    prelude.writeUInt32BE(body.length, 12)
    this.#append(prelude)
    this.#append(body)
  }

  row(space: Space, { key, value, createRevision, modRevision, version }: KeyValue): void {
    const at = this.#reserve(ROW_HEAD_SIZE + key.length + value.length)
    const buffer = this.#buffer
    buffer[at] = space
    buffer.writeUInt16BE(key.length, at + 1)
    buffer.writeUInt32BE(value.length, at + 3)
    writeUint64(buffer, createRevision, at + 7)
    writeUint64(buffer, modRevision, at + 15)
    writeUint64(buffer, version, at + 23)
    buffer.set(key, at + ROW_HEAD_SIZE)
    buffer.set(value, at + ROW_HEAD_SIZE + key.length)
  }

  trailer(): void {
    this.#append(SNAPSHOT_TRAILER)
  }

  /** There is enough for a chunk. */
  get ready(): boolean {
    return this.#length >= SNAPSHOT_CHUNK_SIZE
  }

  /** What was collected. The bytes are the caller's: the next chunk has its own memory. */
  take(): Uint8Array {
    const chunk = this.#buffer.subarray(0, this.#length)
    this.#buffer = Buffer.allocUnsafeSlow(SNAPSHOT_CHUNK_SIZE)
    this.#length = 0
    return chunk
  }

  /** Makes room for `size` bytes, to be written from the offset returned. */
  #reserve(size: number): number {
    const at = this.#length
    this.#length += size
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(this.#length)
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
    }
    return at
  }

  #append(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length)
    this.#buffer.set(bytes, at)
  }
}

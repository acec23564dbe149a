/** Writes snapshots, in chunks, row by row: the state is never in memory as a whole. */
import type { KeyValue } from '../../api/index.ts'
import { RowsAudit, SPACE_IDS, SPACES } from '../../commands/index.ts'
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
import { damagedState } from '../state/index.ts'

/**
 * The bytes of a snapshot file. `rowsOf` gives the rows of a space in byte order of their keys.
 * @throws StateError CORRUPT when they are not as many as the header says, or not those that were written
 */
export function* encodeSnapshot(
  header: SnapshotHeader,
  rowsOf: (space: Space) => Iterable<KeyValue>,
): Generator<Uint8Array, void> {
  const chunks = new ChunkBuilder()
  writeHead(chunks, header)
  const user = { rows: 0, bytes: 0 }
  const system = { rows: 0, bytes: 0 }
  const audit = new RowsAudit()
  for (const space of SPACE_IDS) {
    const totals = space === SPACES.user ? user : system
    for (const row of rowsOf(space)) {
      totals.rows++
      totals.bytes += row.key.length + row.value.length
      audit.add(space, row)
      writeRow(chunks, space, row)
      if (chunks.ready) yield chunks.take()
    }
  }
  const { keys, bytes, systemRows, systemBytes } = header
  if (!(user.rows === keys && user.bytes === bytes && system.rows === systemRows && system.bytes === systemBytes))
    throw damagedState(
      `a cut of ${keys} keys, ${bytes} bytes, beside ${systemRows} rows, ${systemBytes} bytes of the system, has ${user.rows}, ${user.bytes}, ${system.rows}, ${system.bytes}`,
    )
  if (audit.problem !== undefined) throw damagedState(audit.problem)
  chunks.append(SNAPSHOT_TRAILER)
  yield chunks.take()
}

function writeHead(chunks: ChunkBuilder, header: SnapshotHeader): void {
  const body = encodeHeader(header)
  const prelude = Buffer.alloc(PRELUDE_SIZE)
  SNAPSHOT_MAGIC.copy(prelude)
  prelude.writeUInt32BE(SNAPSHOT_VERSION, 8)
  prelude.writeUInt32BE(body.length, 12)
  chunks.append(prelude)
  chunks.append(body)
}

function writeRow(chunks: ChunkBuilder, space: Space, row: KeyValue): void {
  const { key, value } = row
  const at = chunks.reserve(ROW_HEAD_SIZE + key.length + value.length)
  const { buffer } = chunks
  buffer[at] = space
  buffer.writeUInt16BE(key.length, at + 1)
  buffer.writeUInt32BE(value.length, at + 3)
  writeUint64(buffer, row.createRevision, at + 7)
  writeUint64(buffer, row.modRevision, at + 15)
  writeUint64(buffer, row.version, at + 23)
  buffer.set(key, at + ROW_HEAD_SIZE)
  buffer.set(value, at + ROW_HEAD_SIZE + key.length)
}

/** Collects records until they make a chunk. A chunk may be larger by one record. */
class ChunkBuilder {
  buffer: Buffer = Buffer.allocUnsafeSlow(SNAPSHOT_CHUNK_SIZE)
  #length = 0

  get ready(): boolean {
    return this.#length >= SNAPSHOT_CHUNK_SIZE
  }

  /** Makes room for `size` bytes, to be written into `buffer` from the offset returned. */
  reserve(size: number): number {
    const at = this.#length
    this.#length += size
    if (this.#length > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(this.#length)
      this.buffer.copy(larger, 0, 0, at)
      this.buffer = larger
    }
    return at
  }

  append(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.buffer.set(bytes, at)
  }

  /** What was collected. The bytes are the caller's: the next chunk has its own memory. */
  take(): Uint8Array {
    const chunk = this.buffer.subarray(0, this.#length)
    this.buffer = Buffer.allocUnsafeSlow(SNAPSHOT_CHUNK_SIZE)
    this.#length = 0
    return chunk
  }
}

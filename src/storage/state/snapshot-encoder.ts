/** Writes snapshots, in chunks, row by row: the state is never in memory as a whole. */
import type { KeyValue } from '../../api/index.ts'
import { assert, utf8Encode } from '../../lib/index.ts'
import { SNAPSHOT_CHUNK_SIZE } from '../../limits.ts'
import type { ClientSession } from './client-sessions.ts'
import {
  encodeHeader,
  PRELUDE_SIZE,
  ROW_HEAD_SIZE,
  SESSION_HEAD_SIZE,
  SNAPSHOT_MAGIC,
  SNAPSHOT_TRAILER,
  SNAPSHOT_VERSION,
  writeUint64,
} from './snapshot-format.ts'
import type { SnapshotHeader } from './snapshot-format.ts'

/**
 * The bytes of a snapshot file. Rows come in byte order of their keys, sessions by last index.
 * @throws AssertionError when they are not as many as the header says
 */
export function* encodeSnapshot(
  header: SnapshotHeader,
  rows: Iterable<KeyValue>,
  sessions: Iterable<ClientSession>,
): Generator<Uint8Array, void> {
  const chunks = new ChunkBuilder()
  writeHead(chunks, header)
  let keys = 0
  let bytes = 0
  for (const row of rows) {
    keys++
    bytes += row.key.length + row.value.length
    writeRow(chunks, row)
    if (chunks.ready) yield chunks.take()
  }
  assert(
    keys === header.keys && bytes === header.bytes,
    `a cut of ${header.keys} keys, ${header.bytes} bytes has ${keys}, ${bytes}`,
  )
  let clients = 0
  for (const session of sessions) {
    clients++
    writeSession(chunks, session)
    if (chunks.ready) yield chunks.take()
  }
  assert(clients === header.sessions, `a cut of ${header.sessions} sessions has ${clients}`)
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

function writeRow(chunks: ChunkBuilder, row: KeyValue): void {
  const { key, value } = row
  const at = chunks.reserve(ROW_HEAD_SIZE + key.length + value.length)
  const { buffer } = chunks
  buffer.writeUInt16BE(key.length, at)
  buffer.writeUInt32BE(value.length, at + 2)
  writeUint64(buffer, row.createRevision, at + 6)
  writeUint64(buffer, row.modRevision, at + 14)
  writeUint64(buffer, row.version, at + 22)
  buffer.set(key, at + ROW_HEAD_SIZE)
  buffer.set(value, at + ROW_HEAD_SIZE + key.length)
}

function writeSession(chunks: ChunkBuilder, session: ClientSession): void {
  const client = utf8Encode(session.client)
  const at = chunks.reserve(SESSION_HEAD_SIZE + client.length + session.result.length)
  const { buffer } = chunks
  buffer.writeUInt16BE(client.length, at)
  buffer.writeUInt32BE(session.result.length, at + 2)
  writeUint64(buffer, session.sequence, at + 6)
  writeUint64(buffer, session.lastIndex, at + 14)
  buffer.set(client, at + SESSION_HEAD_SIZE)
  buffer.set(session.result, at + SESSION_HEAD_SIZE + client.length)
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

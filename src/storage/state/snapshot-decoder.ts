/** Reads snapshots chunk by chunk, checking everything the format promises before it hands a row on. */
import type { KeyValue } from '../../api/index.ts'
import { utf8Decode } from '../../lib/index.ts'
import { MAX_KEY_SIZE, MAX_VALUE_SIZE } from '../../limits.ts'
import type { ClientSession } from './client-sessions.ts'
import {
  decodeHeader,
  MAX_HEADER_SIZE,
  MAX_STORED_CLIENT_SIZE,
  MAX_STORED_RESULT_SIZE,
  PRELUDE_SIZE,
  readUint64,
  ROW_HEAD_SIZE,
  SESSION_HEAD_SIZE,
  SNAPSHOT_MAGIC,
  SNAPSHOT_TRAILER,
  SNAPSHOT_VERSION,
} from './snapshot-format.ts'
import type { SnapshotHeader } from './snapshot-format.ts'
import { asError, corruptSnapshot, StateError } from './state-error.ts'

/** Where what is read goes. Keys, values and results are views of the chunks: copy what is kept. */
export interface SnapshotSink {
  header?(header: SnapshotHeader): void
  row?(row: KeyValue): void
  session?(session: ClientSession): void
}

type Stage = 'prelude' | 'header' | 'rows' | 'sessions' | 'trailer' | 'end'

export class SnapshotDecoder {
  readonly #file: string
  readonly #sink: SnapshotSink
  #stage: Stage = 'prelude'
  #pending: Buffer = Buffer.alloc(0)
  #offset = 0
  #headerSize = 0
  #header: SnapshotHeader | undefined
  #rows = 0
  #rowBytes = 0
  #sessions = 0
  #lastKey: Buffer = Buffer.alloc(0)
  #lastSessionIndex = 0

  /** `file` names the snapshot in errors. */
  constructor(file: string, sink: SnapshotSink) {
    this.#file = file
    this.#sink = sink
  }

  /** Takes the next bytes of the file, which must not change afterwards. @throws StateError CORRUPT, UNKNOWN_VERSION */
  push(chunk: Uint8Array): void {
    const left = this.#pending.subarray(this.#offset)
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    this.#pending = left.length === 0 ? bytes : Buffer.concat([left, bytes])
    this.#offset = 0
    while (this.#step());
  }

  /** The file has ended here. @throws StateError CORRUPT when it ended too early */
  end(): SnapshotHeader {
    if (this.#stage !== 'end' || this.#header === undefined) this.#fail(`it ends in its ${this.#stage}`)
    return this.#header
  }

  /** Reads one record; false when more bytes are needed first. */
  #step(): boolean {
    switch (this.#stage) {
      case 'prelude':
        return this.#readPrelude()
      case 'header':
        return this.#readHeader()
      case 'rows':
        return this.#readRow()
      case 'sessions':
        return this.#readSession()
      case 'trailer':
        return this.#readTrailer()
      case 'end':
        if (this.#offset < this.#pending.length) this.#fail('bytes follow its trailer')
        return false
    }
  }

  #readPrelude(): boolean {
    if (!this.#has(PRELUDE_SIZE)) return false
    const prelude = this.#take(PRELUDE_SIZE)
    if (!prelude.subarray(0, 8).equals(SNAPSHOT_MAGIC)) this.#fail('it does not begin like a snapshot')
    const version = prelude.readUInt32BE(8)
    if (version !== SNAPSHOT_VERSION) {
      const message = `snapshot ${this.#file} has format version ${version}; this program reads ${SNAPSHOT_VERSION}: upgrade it`
      throw new StateError('UNKNOWN_VERSION', this.#file, message)
    }
    this.#headerSize = prelude.readUInt32BE(12)
    if (this.#headerSize > MAX_HEADER_SIZE) this.#fail(`its header claims ${this.#headerSize} bytes`)
    this.#stage = 'header'
    return true
  }

  #readHeader(): boolean {
    if (!this.#has(this.#headerSize)) return false
    try {
      this.#header = decodeHeader(this.#take(this.#headerSize))
    } catch (error) {
      this.#fail(asError(error).message)
    }
    this.#sink.header?.(this.#header)
    this.#stage = 'rows'
    return true
  }

  #readRow(): boolean {
    const header = this.#header as SnapshotHeader
    if (this.#rows === header.keys) {
      if (this.#rowBytes !== header.bytes) this.#fail(`it claims ${header.bytes} bytes of rows and has ${this.#rowBytes}`)
      this.#stage = 'sessions'
      return true
    }
    if (!this.#has(ROW_HEAD_SIZE)) return false
    const [pending, at] = [this.#pending, this.#offset]
    const keySize = pending.readUInt16BE(at)
    const valueSize = pending.readUInt32BE(at + 2)
    if (keySize === 0 || keySize > MAX_KEY_SIZE || valueSize > MAX_VALUE_SIZE) {
      this.#fail(`row ${this.#rows} claims a key of ${keySize} bytes and a value of ${valueSize}`)
    }
    if (!this.#has(ROW_HEAD_SIZE + keySize + valueSize)) return false
    const createRevision = this.#number(at + 6)
    const modRevision = this.#number(at + 14)
    const version = this.#number(at + 22)
    this.#take(ROW_HEAD_SIZE)
    const key = this.#take(keySize)
    const value = this.#take(valueSize)
    if (Buffer.compare(this.#lastKey, key) >= 0) this.#fail(`row ${this.#rows} is not after the row before it`)
    this.#lastKey = key
    this.#rows++
    this.#rowBytes += keySize + valueSize
    this.#sink.row?.({ key, value, createRevision, modRevision, version })
    return true
  }

  #readSession(): boolean {
    if (this.#sessions === (this.#header as SnapshotHeader).sessions) {
      this.#stage = 'trailer'
      return true
    }
    if (!this.#has(SESSION_HEAD_SIZE)) return false
    const [pending, at] = [this.#pending, this.#offset]
    const clientSize = pending.readUInt16BE(at)
    const resultSize = pending.readUInt32BE(at + 2)
    if (clientSize === 0 || clientSize > MAX_STORED_CLIENT_SIZE || resultSize > MAX_STORED_RESULT_SIZE) {
      this.#fail(`session ${this.#sessions} claims a client of ${clientSize} bytes and a result of ${resultSize}`)
    }
    if (!this.#has(SESSION_HEAD_SIZE + clientSize + resultSize)) return false
    const sequence = this.#number(at + 6)
    const lastIndex = this.#number(at + 14)
    this.#take(SESSION_HEAD_SIZE)
    const client = utf8Decode(this.#take(clientSize))
    const result = this.#take(resultSize)
    if (client === undefined) this.#fail(`session ${this.#sessions} has a client id that is not UTF-8`)
    if (lastIndex <= this.#lastSessionIndex) this.#fail(`session ${this.#sessions} is not after the session before it`)
    this.#lastSessionIndex = lastIndex
    this.#sessions++
    this.#sink.session?.({ client, sequence, lastIndex, result })
    return true
  }

  #readTrailer(): boolean {
    if (!this.#has(SNAPSHOT_TRAILER.length)) return false
    if (!this.#take(SNAPSHOT_TRAILER.length).equals(SNAPSHOT_TRAILER)) this.#fail('its trailer is wrong')
    this.#stage = 'end'
    return true
  }

  #has(size: number): boolean {
    return this.#pending.length - this.#offset >= size
  }

  #take(size: number): Buffer {
    const bytes = this.#pending.subarray(this.#offset, this.#offset + size)
    this.#offset += size
    return bytes
  }

  #number(at: number): number {
    const value = readUint64(this.#pending, at)
    if (value === undefined) this.#fail('a number in it is beyond 2^53-1')
    return value
  }

  #fail(problem: string): never {
    throw corruptSnapshot(this.#file, problem)
  }
}

/** Reads snapshots chunk by chunk, checking everything the format promises before it hands a row on. */
import type { KeyValue } from '../../api/index.ts'
import { SPACE_IDS, SPACES, SYSTEM_KEY_SIZE, SYSTEM_VALUE_SIZE, USER_KEY_SIZE, USER_VALUE_SIZE } from '../../commands/index.ts'
import type { Space } from '../../commands/index.ts'
import { unreachable } from '../../lib/index.ts'
import {
  decodeHeader,
  PRELUDE_SIZE,
  readUint64,
  ROW_HEAD_SIZE,
  SNAPSHOT_MAGIC,
  SNAPSHOT_TRAILER,
  SNAPSHOT_VERSION,
} from './snapshot-format.ts'
import type { SnapshotHeader } from './snapshot-format.ts'
import { asError, corruptSnapshot, StateError } from '../state/index.ts'
import { MAX_SNAPSHOT_HEADER_SIZE } from '../../limits.ts'

/** Where what is read goes. Keys and values are views of the chunks: copy what is kept. */
export interface SnapshotSink {
  header?(header: SnapshotHeader): void
  row?(space: Space, row: KeyValue): void
}

type Stage = 'prelude' | 'header' | 'rows' | 'trailer' | 'end'

export class SnapshotDecoder {
  readonly #file: string
  readonly #sink: SnapshotSink
  #stage: Stage = 'prelude'
  #pending: Buffer = Buffer.alloc(0)
  #offset = 0
  #headerSize = 0
  #header: SnapshotHeader | undefined
  readonly #user = { rows: 0, bytes: 0 }
  readonly #system = { rows: 0, bytes: 0 }
  #lastSpace: Space = SPACES.user
  #lastKey: Buffer = Buffer.alloc(0)

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
      case 'trailer':
        return this.#readTrailer()
      case 'end':
        if (this.#offset < this.#pending.length) this.#fail('bytes follow its trailer')
        return false
      default:
        return unreachable(this.#stage)
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
    if (this.#headerSize > MAX_SNAPSHOT_HEADER_SIZE) this.#fail(`its header claims ${this.#headerSize} bytes`)
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
    if (this.#user.rows + this.#system.rows >= header.keys + header.systemRows) {
      this.#checkTotals(header)
      this.#stage = 'trailer'
      return true
    }
    if (!this.#has(ROW_HEAD_SIZE)) return false
    const [pending, at] = [this.#pending, this.#offset]
    const space = this.#spaceOf(pending[at] as number)
    const keySize = pending.readUInt16BE(at + 1)
    const valueSize = pending.readUInt32BE(at + 3)
    const isUser = space === SPACES.user
    const [maxKey, maxValue] = isUser ? [USER_KEY_SIZE, USER_VALUE_SIZE] : [SYSTEM_KEY_SIZE, SYSTEM_VALUE_SIZE]
    if (keySize === 0 || keySize > maxKey || valueSize > maxValue) {
      this.#fail(`a row of space ${space} claims a key of ${keySize} bytes and a value of ${valueSize}`)
    }
    if (!this.#has(ROW_HEAD_SIZE + keySize + valueSize)) return false
    const createRevision = this.#number(at + 7)
    const modRevision = this.#number(at + 15)
    const version = this.#number(at + 23)
    this.#take(ROW_HEAD_SIZE)
    const key = this.#take(keySize)
    const value = this.#take(valueSize)
    this.#follow(space, key, value)
    this.#sink.row?.(space, { key, value, createRevision, modRevision, version })
    return true
  }

  #spaceOf(id: number): Space {
    const space = SPACE_IDS.find((known) => known === id)
    if (space === undefined) this.#fail(`there is no space ${id}`)
    return space
  }

  /** Rows come in order, space by space. */
  #follow(space: Space, key: Buffer, value: Buffer): void {
    if (space < this.#lastSpace || (space === this.#lastSpace && Buffer.compare(this.#lastKey, key) >= 0)) {
      this.#fail(`a row of space ${space} is not after the row before it`)
    }
    this.#lastSpace = space
    this.#lastKey = key
    const totals = space === SPACES.user ? this.#user : this.#system
    totals.rows++
    totals.bytes += key.length + value.length
  }

  #checkTotals({ keys, bytes, systemRows, systemBytes }: SnapshotHeader): void {
    const [user, system] = [this.#user, this.#system]
    const agree = user.rows === keys && user.bytes === bytes && system.rows === systemRows && system.bytes === systemBytes
    if (agree) return
    this.#fail(
      `it claims ${keys} keys, ${bytes} bytes of rows, and ${systemRows}, ${systemBytes} of the system; it has ${user.rows}, ${user.bytes}, ${system.rows}, ${system.bytes}`,
    )
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

import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { unreachable } from '../../lib/index.ts'
import {
  BACKUP_BLOCK_HEAD_SIZE,
  BACKUP_BLOCK_SIZE,
  BACKUP_DIGEST_SIZE,
  BACKUP_MAGIC,
  BACKUP_PRELUDE_SIZE,
  BACKUP_TRAILER,
  BACKUP_VERSION,
} from './backup-format.ts'
import type { BackupHeader } from './backup-format.ts'
import { readBackupHeader } from './backup-header.ts'

/** More than that of a thousand members. */
const MAX_HEADER_SIZE = 4 * 1024 * 1024

/** A file is no backup that can be believed; the message says what is wrong, and at which byte. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
}

export interface BackupSink {
  header?(header: BackupHeader): void
  /** The next bytes of the snapshot; views of what was pushed. */
  bytes?(bytes: Uint8Array): void
}

type Stage = 'prelude' | 'header' | 'block' | 'trailer' | 'end'

/** Checks a backup piece by piece. What it hands on is as it was written; that it is all of it, `end` says. */
export class BackupDecoder {
  readonly #sink: BackupSink
  readonly #digest = createHash('sha256')
  #stage: Stage = 'prelude'
  #pending: Buffer = Buffer.alloc(0)
  /** Of the file, before `#pending`. */
  #position = 0
  #headerSize = 0
  #headerSum = 0
  #header: BackupHeader | undefined
  #snapshotBytes = 0

  constructor(sink: BackupSink) {
    this.#sink = sink
  }

  /** Takes the next bytes of the file, which must not change afterwards. @throws BackupError */
  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    while (this.#step());
  }

  /** The file has ended here. @throws BackupError when it ended too early */
  end(): BackupHeader {
    if (this.#stage !== 'end' || this.#header === undefined) {
      const at = this.#position + this.#pending.length
      throw new BackupError(`it ends at byte ${at}, in its ${this.#stage}: it is not all of a backup`)
    }
    return this.#header
  }

  #step(): boolean {
    switch (this.#stage) {
      case 'prelude':
        return this.#readPrelude()
      case 'header':
        return this.#readHeader()
      case 'block':
        return this.#readBlock()
      case 'trailer':
        return this.#readTrailer()
      case 'end':
        if (this.#pending.length > 0) this.#fail('bytes follow its end')
        return false
      default:
        return unreachable(this.#stage)
    }
  }

  #readPrelude(): boolean {
    if (this.#pending.length < BACKUP_PRELUDE_SIZE) return false
    if (!this.#pending.subarray(0, BACKUP_MAGIC.length).equals(BACKUP_MAGIC)) this.#fail('it does not begin like a backup')
    const version = this.#pending.readUInt32BE(8)
    if (version !== BACKUP_VERSION)
      this.#fail(
        `its format has version ${version}, and this program reads ${BACKUP_VERSION}: read it with the one that wrote it`,
      )
    this.#headerSize = this.#pending.readUInt32BE(12)
    this.#headerSum = this.#pending.readUInt32BE(16)
    if (this.#headerSize > MAX_HEADER_SIZE) this.#fail(`its header claims ${this.#headerSize} bytes`)
    this.#take(BACKUP_PRELUDE_SIZE)
    this.#stage = 'header'
    return true
  }

  #readHeader(): boolean {
    if (this.#pending.length < this.#headerSize) return false
    const bytes = this.#pending.subarray(0, this.#headerSize)
    if (crc32(bytes) !== this.#headerSum) this.#fail('its header is damaged')
    const header = readBackupHeader(bytes)
    if (header === undefined) this.#fail('its header says something else than a backup does')
    this.#take(this.#headerSize)
    this.#header = header
    this.#sink.header?.(header)
    this.#stage = 'block'
    return true
  }

  #readBlock(): boolean {
    if (this.#pending.length < 4) return false
    const length = this.#pending.readUInt32BE(0)
    if (length === 0) {
      this.#stage = 'trailer'
      return true
    }
    if (length > BACKUP_BLOCK_SIZE) this.#fail(`a block claims ${length} bytes`)
    if (this.#pending.length < BACKUP_BLOCK_HEAD_SIZE + length) return false
    const bytes = this.#pending.subarray(BACKUP_BLOCK_HEAD_SIZE, BACKUP_BLOCK_HEAD_SIZE + length)
    if (crc32(bytes) !== this.#pending.readUInt32BE(4)) this.#fail('a block is damaged')
    this.#snapshotBytes += length
    this.#sink.bytes?.(bytes)
    this.#take(BACKUP_BLOCK_HEAD_SIZE + length)
    return true
  }

  #readTrailer(): boolean {
    const size = 4 + BACKUP_TRAILER.length
    if (this.#pending.length < size + BACKUP_DIGEST_SIZE) return false
    if (!this.#pending.subarray(4, size).equals(BACKUP_TRAILER)) this.#fail('its end is damaged')
    const { snapshotSize } = this.#header as BackupHeader
    if (this.#snapshotBytes !== snapshotSize)
      this.#fail(`it has ${this.#snapshotBytes} bytes of a snapshot, and says that there are ${snapshotSize}`)
    this.#take(size)
    if (!this.#pending.subarray(0, BACKUP_DIGEST_SIZE).equals(this.#digest.digest())) this.#fail('its digest is another')
    this.#skip(BACKUP_DIGEST_SIZE)
    this.#stage = 'end'
    return true
  }

  #take(size: number): void {
    this.#digest.update(this.#pending.subarray(0, size))
    this.#skip(size)
  }

  #skip(size: number): void {
    this.#pending = this.#pending.subarray(size)
    this.#position += size
  }

  #fail(problem: string): never {
    throw new BackupError(`at byte ${this.#position}: ${problem}`)
  }
}

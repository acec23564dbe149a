import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  BACKUP_BLOCK_HEAD_SIZE,
  BACKUP_MAGIC,
  BACKUP_PRELUDE_SIZE,
  BACKUP_TRAILER,
  BACKUP_VERSION,
  backupSize,
} from './backup-format.ts'
import type { BackupHeader } from './backup-format.ts'

/** Makes a backup of the bytes of a snapshot, piece by piece. */
export class BackupEncoder {
  readonly #header: Buffer
  readonly #digest = createHash('sha256')
  /** Of the whole backup. */
  readonly sizeBytes: number

  constructor(header: BackupHeader) {
    this.#header = Buffer.from(JSON.stringify(header))
    this.sizeBytes = backupSize(this.#header.length, header.snapshotSize)
  }

  head(): Uint8Array {
    const prelude = Buffer.alloc(BACKUP_PRELUDE_SIZE)
    BACKUP_MAGIC.copy(prelude)
    prelude.writeUInt32BE(BACKUP_VERSION, 8)
    prelude.writeUInt32BE(this.#header.length, 12)
    prelude.writeUInt32BE(crc32(this.#header), 16)
    return this.#counted(Buffer.concat([prelude, this.#header]))
  }

  /** @param bytes the next BACKUP_BLOCK_SIZE of the snapshot; fewer only at its end */
  block(bytes: Uint8Array): Uint8Array {
    const block = Buffer.allocUnsafe(BACKUP_BLOCK_HEAD_SIZE + bytes.length)
    block.writeUInt32BE(bytes.length, 0)
    block.writeUInt32BE(crc32(bytes), 4)
    block.set(bytes, BACKUP_BLOCK_HEAD_SIZE)
    return this.#counted(block)
  }

  trailer(): Uint8Array {
    const end = this.#counted(Buffer.concat([Buffer.alloc(4), BACKUP_TRAILER]))
    return Buffer.concat([end, this.#digest.digest()])
  }

  #counted(bytes: Uint8Array): Uint8Array {
    this.#digest.update(bytes)
    return bytes
  }
}

/** A snapshot as another one: the same rows, under another header. */
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Row, Space } from '../../commands/index.ts'
import { SNAPSHOT_CHUNK_SIZE } from '../../limits.ts'
import type { StoredSnapshot } from '../../ports/index.ts'
import { createDirectory, guardDisk, openHere, syncDirectorySync } from '../disk/index.ts'
import type { SnapshotHeader } from './snapshot-format.ts'
import { localName } from './snapshot-recovery.ts'
import { SnapshotReader } from './snapshot-verify.ts'
import { SnapshotDigest } from './snapshot-digest.ts'
import { describeSnapshot } from './snapshot-verify.ts'
import { SnapshotWriter } from './snapshot-writer.ts'

export interface SnapshotChange {
  /** Counts must stay. */
  header(header: SnapshotHeader): SnapshotHeader
  /** Space, key and the size of the value must stay. */
  row(space: Space, row: Row): Row
}

/** What a file was found to hold, and the snapshot that was made of it. */
export interface Rewritten {
  readonly source: StoredSnapshot
  readonly made: StoredSnapshot
}

/**
 * Writes what `change` makes of the snapshot in the file `from`, beginning at `offset`, into `folder`, under the name that a snapshot store knows it by, durably. It
 * blocks. A crash leaves what the next snapshot store removes.
 * @throws StateError CORRUPT, UNKNOWN_VERSION; the error of the file system. Then nothing of it is left
 */
export function rewriteSnapshot(from: string, folder: string, change: SnapshotChange): Rewritten {
  createDirectory(folder)
  const building = join(folder, localName(0))
  const source = openHere(() => openSync(from, 'r'))
  try {
    const fd = openHere(() => openSync(building, 'w', 0o600))
    try {
      const rewritten = copyChanged(source, fd, from, change)
      guardDisk(`syncing ${building}`, () => fsyncSync(fd))
      renameSync(building, join(folder, rewritten.made.id))
      syncDirectorySync(folder)
      return rewritten
    } catch (error) {
      rmSync(building, { force: true })
      throw error
    } finally {
      closeSync(fd)
    }
  } finally {
    closeSync(source)
  }
}

function copyChanged(source: number, target: number, name: string, change: SnapshotChange): Rewritten {
  const digest = new SnapshotDigest()
  const writer = new SnapshotWriter()
  const flush = (): void => {
    const chunk = writer.take()
    digest.push(chunk)
    for (let written = 0; written < chunk.length;) written += writeSync(target, chunk, written)
  }
  let made: SnapshotHeader | undefined
  const reader = new SnapshotReader(name, {
    header: (header) => {
      made = change.header(header)
      writer.head(made)
    },
    row: (space, row) => {
      writer.row(space, change.row(space, row))
      if (writer.ready) flush()
    },
  })
  for (;;) {
    // A buffer for each chunk: the decoder keeps views of what it has not used up.
    const chunk = Buffer.allocUnsafeSlow(SNAPSHOT_CHUNK_SIZE)
    const length = readSync(source, chunk, 0, chunk.length, reader.position)
    if (length === 0) break
    reader.push(chunk.subarray(0, length))
  }
  const found = reader.end()
  writer.trailer()
  flush()
  return { source: found, made: describeSnapshot(made as SnapshotHeader, digest.sizeBytes, digest.digest()) }
}

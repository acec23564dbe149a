/** A snapshot as another one: its rows, or what stands in their place, under another header. */
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyValue } from '../../api/index.ts'
import { RowsAudit } from '../../commands/index.ts'
import type { Row, Space } from '../../commands/index.ts'
import { SNAPSHOT_CHUNK_SIZE } from '../../limits.ts'
import type { StoredSnapshot } from '../../ports/index.ts'
import { createDirectory, guardDisk, openHere, syncDirectorySync } from '../disk/index.ts'
import type { SnapshotHeader } from './snapshot-format.ts'
import { localName } from './snapshot-recovery.ts'
import type { SnapshotSink } from './snapshot-decoder.ts'
import { corruptSnapshot } from '../state/index.ts'
import { SnapshotReader } from './snapshot-verify.ts'
import { SnapshotDigest } from './snapshot-digest.ts'
import { describeSnapshot } from './snapshot-verify.ts'
import { SnapshotWriter } from './snapshot-writer.ts'

export interface SnapshotChange {
  /** With the counts of what is made. */
  header(header: SnapshotHeader): SnapshotHeader
  /** Key and space must stay. */
  row(space: Space, row: Row): Row
  /** Rows after all others. */
  readonly added: readonly { readonly space: Space; readonly row: Row }[]
}

/** What a file was found to hold, and the snapshot that was made of it. */
export interface Rewritten {
  readonly source: StoredSnapshot
  readonly made: StoredSnapshot
}

/**
 * Reads a snapshot from end to end, its rows counted anew. It blocks.
 * @throws StateError CORRUPT, UNKNOWN_VERSION; the error of the file system
 */
export function auditSnapshotFile(path: string, sink: SnapshotSink): StoredSnapshot {
  const audit = new RowsAudit()
  const fd = openHere(() => openSync(path, 'r'))
  try {
    const row = (space: Space, found: KeyValue): void => {
      audit.add(space, found)
      sink.row?.(space, found)
    }
    const found = readAll(fd, new SnapshotReader(path, { ...sink, row }))
    if (audit.problem !== undefined) throw corruptSnapshot(path, audit.problem)
    return found
  } finally {
    closeSync(fd)
  }
}

/**
 * Writes what `change` makes of the snapshot in the file `from` into `folder`, under the name that a snapshot store knows it by, durably. It
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
  const found = readAll(source, reader)
  for (const { space, row } of change.added) writer.row(space, row)
  writer.trailer()
  flush()
  return { source: found, made: describeSnapshot(made as SnapshotHeader, digest.sizeBytes, digest.digest()) }
}

function readAll(fd: number, reader: SnapshotReader): StoredSnapshot {
  for (;;) {
    // A buffer for each chunk: the decoder keeps views of what it has not used up.
    const chunk = Buffer.allocUnsafeSlow(SNAPSHOT_CHUNK_SIZE)
    const length = readSync(fd, chunk, 0, chunk.length, reader.position)
    if (length === 0) return reader.end()
    reader.push(chunk.subarray(0, length))
  }
}

import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { loadMeta, NEW_STATE } from '../../commands/index.ts'
import type { StoredSnapshot } from '../../ports/index.ts'
import { DiskError, guardDisk, isVolumeFull, openHere, WorkPace } from '../disk/index.ts'
import { describeSnapshot, encodeSnapshot, SnapshotDigest } from '../snapshots/index.ts'
import type { SnapshotHeader } from '../snapshots/index.ts'
import { guardFile } from './sqlite-database.ts'
import { readMeta } from './sqlite-meta.ts'
import { SqliteStore } from './sqlite-store.ts'
import { StateError, volumeFull } from '../state/index.ts'

/**
 * Writes a snapshot of the database into the file at `path` and syncs it. Position, membership and rows are
 * read in one transaction, so they are one cut however much is written meanwhile.
 * @throws StateError NOTHING_TO_SNAPSHOT, VOLUME_FULL, CORRUPT, UNREADABLE; DiskError when the file cannot be written
 */
export function writeSnapshot(database: DatabaseSync, file: string, path: string, clusterId: string): StoredSnapshot {
  return guardFile(file, () => {
    database.exec('BEGIN')
    try {
      const header = readHeader(database, file, clusterId)
      const store = storeOf(database, header)
      return writeChunks(
        path,
        header,
        encodeSnapshot(header, (space) => store.rows(space)),
      )
    } finally {
      database.exec('ROLLBACK')
    }
  })
}

/** The first read of a transaction fixes what all its reads see. */
function readHeader(database: DatabaseSync, file: string, clusterId: string): SnapshotHeader {
  const { applied: last, membership, ...rest } = readMeta(database, file)
  if (membership === null) {
    throw new StateError('NOTHING_TO_SNAPSHOT', file, 'no membership was applied yet: there is nothing a snapshot could hold')
  }
  const { clusterVersion } = loadMeta(storeOf(database, rest)) ?? NEW_STATE
  return { clusterId, clusterVersion, last, membership, ...rest }
}

type Counts = Pick<SnapshotHeader, 'keys' | 'bytes' | 'systemRows' | 'systemBytes'>

function storeOf(database: DatabaseSync, { keys, bytes, systemRows, systemBytes }: Counts): SqliteStore {
  return new SqliteStore(database, { rows: keys, bytes }, { rows: systemRows, bytes: systemBytes })
}

function writeChunks(path: string, header: SnapshotHeader, chunks: Iterable<Uint8Array>): StoredSnapshot {
  const digest = new SnapshotDigest()
  const fd = openHere(() => openSync(path, 'r+'))
  const sync = (): void => guardDisk(`syncing the snapshot ${path}`, () => fsyncSync(fd))
  const pace = new WorkPace(sync)
  try {
    for (const chunk of chunks) {
      digest.push(chunk)
      writeChunk(fd, chunk, path)
      pace.advance(chunk.length)
    }
    sync()
  } finally {
    closeSync(fd)
  }
  return describeSnapshot(header, digest.sizeBytes, digest.digest())
}

/** A write that found no space has harmed nothing; whatever else fails here says that the disk does. */
function writeChunk(fd: number, chunk: Uint8Array, path: string): void {
  try {
    for (let written = 0; written < chunk.length;) written += writeSync(fd, chunk, written)
  } catch (error) {
    throw isVolumeFull(error) ? volumeFull(path) : new DiskError(`writing the snapshot ${path}`, error as Error)
  }
}

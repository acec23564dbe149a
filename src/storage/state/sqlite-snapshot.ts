import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { StoredSnapshot } from '../../ports/index.ts'
import { SnapshotDigest } from './snapshot-digest.ts'
import { encodeSnapshot } from './snapshot-encoder.ts'
import type { SnapshotHeader } from './snapshot-format.ts'
import { describeSnapshot } from './snapshot-verify.ts'
import { guardFile } from './sqlite-database.ts'
import { readMeta, readSessions } from './sqlite-meta.ts'
import { SqliteKeyTable } from './sqlite-tables.ts'
import { StateError } from './state-error.ts'

/**
 * Writes a snapshot of the database into the file at `path` and syncs it. Position, membership, rows and sessions are
 * read in one transaction, so they are one cut however much is written meanwhile.
 * @throws StateError NOTHING_TO_SNAPSHOT, CORRUPT, UNREADABLE
 */
export function writeSnapshot(database: DatabaseSync, file: string, path: string, clusterId: string): StoredSnapshot {
  return guardFile(file, () => {
    database.exec('BEGIN')
    try {
      const header = readHeader(database, file, clusterId)
      const keys = new SqliteKeyTable(database, header.keys, header.bytes)
      const rows = keys.range({ start: new Uint8Array(0), end: null })
      return writeChunks(path, header, encodeSnapshot(header, rows, readSessions(database)))
    } finally {
      database.exec('ROLLBACK')
    }
  })
}

/** The first read of a transaction fixes what all its reads see. */
function readHeader(database: DatabaseSync, file: string, clusterId: string): SnapshotHeader {
  const { applied: last, membership, membershipIndex, keys, bytes } = readMeta(database, file)
  if (membership === null) {
    throw new StateError('NOTHING_TO_SNAPSHOT', file, 'no membership was applied yet: there is nothing a snapshot could hold')
  }
  const sessions = database.prepare('SELECT count(*) AS count FROM sessions').get()?.['count'] as number
  return { clusterId, last, membership, membershipIndex, keys, bytes, sessions }
}

function writeChunks(path: string, header: SnapshotHeader, chunks: Iterable<Uint8Array>): StoredSnapshot {
  const digest = new SnapshotDigest()
  const fd = openSync(path, 'r+')
  try {
    for (const chunk of chunks) {
      digest.push(chunk)
      for (let written = 0; written < chunk.length;) written += writeSync(fd, chunk, written)
    }
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  return describeSnapshot(header, digest.sizeBytes, digest.digest())
}

/** Builds a generation of the database from a snapshot. It takes effect by one rename, so a crash leaves the old state or the new. */
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { RowsAudit } from '../../commands/index.ts'
import { SNAPSHOT_CHUNK_SIZE } from '../../limits.ts'
import { guardDisk, openHere, WorkPace } from '../disk/index.ts'
import type { SnapshotSink } from '../snapshots/index.ts'
import { SnapshotReader } from '../snapshots/index.ts'
import { createHiddenDatabase, guardFile } from './sqlite-database.ts'
import { prepareMetaWriter } from './sqlite-meta.ts'
import { SqliteStore } from './sqlite-store.ts'
import { buildingFile, generationFile, syncDirectory } from './state-generations.ts'
import { corruptSnapshot, StateError } from '../state/index.ts'

/**
 * Puts generation `generation`, with the content of the snapshot at `path`, into place, durably.
 * @throws StateError when the snapshot is damaged or not the one called `id`: then nothing has changed
 */
export function restoreDatabase(path: string, id: string, directory: string, generation: number): void {
  const file = generationFile(directory, generation)
  const building = buildingFile(file)
  rmSync(building, { force: true })
  try {
    buildDatabase(path, id, building)
    syncFile(building)
    renameSync(building, file)
  } catch (error) {
    rmSync(building, { force: true })
    throw error
  }
  syncDirectory(directory)
}

function buildDatabase(path: string, id: string, building: string): void {
  const database = createHiddenDatabase(building)
  try {
    guardFile(building, () => {
      database.exec('BEGIN')
      fillDatabase(path, id, database, new WorkPace(() => syncFile(building)))
      database.exec('COMMIT')
      // Who opens it next has to change nothing of the file for that, and so waits for nobody who reads it.
      database.exec('PRAGMA journal_mode = WAL')
    })
  } finally {
    database.close()
  }
}

function fillDatabase(path: string, id: string, database: DatabaseSync, pace: WorkPace): void {
  const nothing = { rows: 0, bytes: 0 }
  const store = new SqliteStore(database, nothing, nothing)
  const writeMeta = prepareMetaWriter(database, -1)
  const audit = new RowsAudit()
  const sink: SnapshotSink = {
    header: (header) => writeMeta({ ...header, applied: header.last }),
    row: (space, row) => store.insert(space, row, audit.add(space, row)),
  }
  const found = readSnapshotFile(path, new SnapshotReader(id, sink), pace)
  if (found !== id)
    throw new StateError('DIGEST_MISMATCH', path, `snapshot ${path} has changed on disk: it should be ${id}, and is ${found}`)
  if (audit.problem !== undefined) throw corruptSnapshot(path, audit.problem)
}

function readSnapshotFile(path: string, reader: SnapshotReader, pace: WorkPace): string {
  const fd = openHere(() => openSync(path, 'r'))
  try {
    for (;;) {
      // A buffer for each chunk: the decoder keeps views of what it has not used up.
      const chunk = Buffer.allocUnsafeSlow(SNAPSHOT_CHUNK_SIZE)
      const length = readSync(fd, chunk, 0, chunk.length, reader.position)
      if (length === 0) return reader.end().id
      reader.push(chunk.subarray(0, length))
      pace.advance(length)
    }
  } finally {
    closeSync(fd)
  }
}

function syncFile(path: string): void {
  const fd = openHere(() => openSync(path, 'r+'))
  try {
    guardDisk(`syncing ${path}`, () => fsyncSync(fd))
  } finally {
    closeSync(fd)
  }
}

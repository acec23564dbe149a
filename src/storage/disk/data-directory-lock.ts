/**
 * One process per data directory. Node has no flock, and a file with a process id outlives a killed process. An
 * open exclusive SQLite transaction is a lock of the operating system: kill -9 releases it.
 */
import { join, resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { createDirectory } from './create-directory.ts'
import { FULL_ADVICE, isVolumeFull } from './disk-failure.ts'

// Not by an import: on a Node without it the whole package could not even say which one it needs.
const Sqlite = process.getBuiltinModule('node:sqlite')

export const LOCK_FILE = 'LOCK'
const SQLITE_BUSY = 5
const SQLITE_FULL = 13

/** Holds every lock until it is released: the garbage collector would close the database and free the directory. */
const held = new Set<DataDirectoryLock>()

export class DataDirectoryLock {
  /** Absolute path. */
  readonly directory: string
  readonly #database: DatabaseSync

  /**
   * Locks `directory` for the life of this process, creating it when it is missing.
   * @throws Error naming the directory when another process (or this one) holds it, or when it cannot be used
   */
  constructor(directory: string) {
    this.directory = resolve(directory)
    this.#database = lock(this.directory)
    held.add(this)
  }

  /** Frees the directory. Doing it twice is harmless. */
  release(): void {
    if (!held.delete(this)) return
    this.#database.close()
  }
}

function lock(directory: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    createDirectory(directory)
    database = new Sqlite.DatabaseSync(join(directory, LOCK_FILE), { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database?.close()
    throw refusal(directory, error)
  }
}

function refusal(directory: string, error: unknown): Error {
  if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) {
    return new Error(
      `the data directory ${directory} is in use by another node: stop that node, or give this one its own directory`,
      { cause: error },
    )
  }
  const reason = error instanceof Error ? error.message : String(error)
  if (isVolumeFull(error) || (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_FULL)) {
    return new Error(`the data directory ${directory} cannot be locked (${reason}); ${FULL_ADVICE}`, { cause: error })
  }
  return new Error(
    `the data directory ${directory} cannot be locked (${reason}): check that it is a local directory this user may write, ` +
      `and that ${join(directory, LOCK_FILE)} is not a foreign file`,
    { cause: error },
  )
}

/** The database file of the state: its schema, how it is opened, and what can be wrong with it. */
import type { DatabaseSync } from 'node:sqlite'
import { DiskError, FAILING_ADVICE, FULL_ADVICE, openHere } from '../disk/index.ts'
import { metaChecksum } from './row-checksum.ts'
import { asError, StateError } from '../state/index.ts'

// Not by an import: on a Node without it the whole package could not even say which one it needs.
const Sqlite = process.getBuiltinModule('node:sqlite')

/** "ASPN" */
const APPLICATION_ID = 0x4153504e
const SCHEMA_VERSION = 5

const CACHE_KIB = 32 * 1024
/** A database that is built in key order only ever looks at its end, and what it holds back is synced at once. */
const BUILDING_CACHE_KIB = 4 * 1024

/** SQLite result codes (https://www.sqlite.org/rescode.html). */
const SQLITE_BUSY = 5
const SQLITE_IOERR = 10
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26
/** An extended code: there was no space for the index of the write-ahead log. */
const SQLITE_IOERR_SHMSIZE = 4874

const NOTHING = { applied: { term: 0, index: 0 }, membershipIndex: 0, keys: 0, bytes: 0, systemRows: 0, systemBytes: 0 }

/**
 * Rows have their own number because a table whose rows hang on the key itself, WITHOUT ROWID, keeps values in the
 * inner pages of its tree: overwriting was measured at 0.6 of this speed with values of 100 bytes, at 0.4 with 4 KB.
 * Row numbers differ between nodes and never leave this file.
 */
const SCHEMA = `
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    space INTEGER NOT NULL,
    key BLOB NOT NULL,
    create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL,
    version INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    value BLOB NOT NULL,
    UNIQUE (space, key)
  ) STRICT;
  CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    applied_term INTEGER NOT NULL,
    applied_index INTEGER NOT NULL,
    membership BLOB,
    membership_index INTEGER NOT NULL,
    keys INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    system_rows INTEGER NOT NULL,
    system_bytes INTEGER NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT;
  INSERT INTO meta VALUES (1, 0, 0, NULL, 0, 0, 0, 0, 0, ${metaChecksum(NOTHING, 0)});
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/**
 * Opens the database for reading and writing, creating it when it is missing. Commits are not synced one by one:
 * a crash of the machine may lose the newest, in order, back to the last checkpoint.
 *
 * Its thread sleeps for up to `busyTimeoutMs` at each lock that another connection holds; then, or at once, the error {@link isBusy}.
 * @throws StateError CORRUPT, UNREADABLE, UNKNOWN_VERSION, naming the file
 */
export function openDatabase(file: string, busyTimeoutMs = 0): DatabaseSync {
  return guardFile(file, () => openHere(() => openOnce(file, busyTimeoutMs)))
}

function openOnce(file: string, busyTimeoutMs: number): DatabaseSync {
  const database = new Sqlite.DatabaseSync(file, { timeout: busyTimeoutMs })
  return closeUnless(database, () => {
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = 0;
      PRAGMA cache_size = -${CACHE_KIB};
    `)
    if (readPragma(database, 'schema_version') === 0) createSchema(database)
    checkSchema(database, file)
  })
}

/** Opens a new database that nobody sees until it is finished; it is not durable before the caller syncs the file. */
export function createHiddenDatabase(file: string): DatabaseSync {
  return guardFile(file, () => openHere(() => createOnce(file)))
}

function createOnce(file: string): DatabaseSync {
  const database = new Sqlite.DatabaseSync(file)
  return closeUnless(database, () => {
    database.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -${BUILDING_CACHE_KIB}`)
    createSchema(database)
  })
}

/** How long this connection waits, its thread asleep, for a lock that another connection holds. */
export function setBusyTimeout(database: DatabaseSync, milliseconds: number): void {
  database.exec(`PRAGMA busy_timeout = ${milliseconds}`)
}

/** Runs `use`; what SQLite or the operating system throws becomes a StateError that names the file. */
export function guardFile<T>(file: string, use: () => T): T {
  try {
    return use()
  } catch (caught) {
    throw asFileError(file, caught)
  }
}

/** What was thrown over a file, as a StateError that names it; what says by itself which file it is about, as it is. */
export function asFileError(file: string, caught: unknown): StateError | DiskError {
  if (caught instanceof StateError || caught instanceof DiskError) return caught
  const error = asError(caught)
  const code = sqliteCode(error)
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) return corruptDatabase(file, error.message, error)
  const message = `the state database ${file} cannot be used: ${error.message}; ${adviceFor(error)}`
  return new StateError('UNREADABLE', file, message, { cause: error })
}

/** What SQLite threw over a file, as {@link asFileError} has it; whatever else was thrown, as it is. */
export function asDatabaseError(file: string, caught: unknown): Error {
  return sqliteCode(caught) === undefined ? asError(caught) : asFileError(file, caught)
}

function adviceFor(error: Error): string {
  if (isDiskFull(error) || extendedCode(error) === SQLITE_IOERR_SHMSIZE) return FULL_ADVICE
  if (sqliteCode(error) === SQLITE_IOERR) return FAILING_ADVICE
  if (isBusy(error)) return 'another process holds a lock on it: end that process'
  return 'check that this user may read and write it'
}

export function corruptDatabase(file: string, problem: string, cause?: Error): StateError {
  const message = `the state database ${file} is damaged: ${problem}; at its next start the node sets it aside and rebuilds it from snapshot and log`
  return new StateError('CORRUPT', file, message, { cause })
}

/**
 * Looks through all pages, and compares tables with their indexes; a million keys take a few seconds.
 * @throws StateError CORRUPT with the first thing that is wrong
 */
export function checkIntegrity(database: DatabaseSync, file: string): void {
  const found = guardFile(file, () => database.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'] as string)
  if (found !== 'ok') throw corruptDatabase(file, found.replaceAll('\n', ' '))
}

/** Whether an error says that the disk is full; then nothing was lost, and later it may go well. */
export function isDiskFull(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_FULL
}

/** Whether an error says, itself or as a StateError, that another connection holds a lock; then nothing was changed. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error instanceof StateError ? error.cause : error) === SQLITE_BUSY
}

/** The primary result code of an error from SQLite. */
function sqliteCode(error: unknown): number | undefined {
  const code = extendedCode(error)
  return code === undefined ? undefined : code & 0xff
}

function extendedCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined
}

function closeUnless(database: DatabaseSync, prepare: () => void): DatabaseSync {
  try {
    prepare()
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function createSchema(database: DatabaseSync): void {
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`)
}

function checkSchema(database: DatabaseSync, file: string): void {
  if (readPragma(database, 'application_id') !== APPLICATION_ID)
    throw corruptDatabase(file, 'it is not a state database of this program')
  const version = readPragma(database, 'user_version')
  if (version === SCHEMA_VERSION) return
  const message =
    `the state database ${file} has schema version ${version}; this program reads ${SCHEMA_VERSION}: upgrade it, or run the version that wrote it. ` +
    `If no other version ever ran here, the file is damaged: move it away, and the state is rebuilt from snapshot and log`
  throw new StateError('UNKNOWN_VERSION', file, message)
}

function readPragma(database: DatabaseSync, name: 'schema_version' | 'application_id' | 'user_version'): number {
  return database.prepare(`PRAGMA ${name}`).get()?.[name] as number
}

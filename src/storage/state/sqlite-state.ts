/** One open generation of the database: the keys, the sessions, and the transactions that change them. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { KeyValue, ScanRange, WriteResult } from '../../api/index.ts'
import type { StateInfo } from '../../ports/index.ts'
import type { Entry } from '../../raft/index.ts'
import { applyEnvelope, decodeEntries, lastMembership } from './apply-entries.ts'
import type { DecodedEntry } from './apply-entries.ts'
import { ClientSessions } from './client-sessions.ts'
import { takePage } from './scan-page.ts'
import type { Rows } from './scan-page.ts'
import { checkpointDatabase } from './sqlite-checkpoint.ts'
import { asDatabaseError, asFileError, checkIntegrity, guardFile, openDatabase } from './sqlite-database.ts'
import { prepareMetaWriter, readMeta, readSessions } from './sqlite-meta.ts'
import { SqliteKeyTable, SqliteSessionTable } from './sqlite-tables.ts'

/**
 * Entries, and bytes of them, in one transaction. A commit writes every page that was touched, so what changes a page
 * twice costs one write: when this was 512, a transaction over 10,000 keys took a third of what a commit for each of its
 * entries takes. It is the main thread that writes, for some milliseconds when all pages are different ones.
 */
const COMMIT_ENTRIES = 1024
const COMMIT_BYTES = 4 * 1024 * 1024

/**
 * Batches of entries share a transaction, which this connection sees and no other does. The log holds whatever a crash
 * takes back; whoever needs the file to be up to date asks for {@link SqliteState.commit}.
 */
export class SqliteState {
  readonly file: string
  readonly #database: DatabaseSync
  readonly #keys: SqliteKeyTable
  readonly #sessions: ClientSessions
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #writeMeta: (info: StateInfo) => void
  #info: StateInfo
  // Applied and not committed.
  #openEntries = 0
  #openBytes = 0
  #failure: Error | undefined

  /** @throws StateError CORRUPT, UNREADABLE, UNKNOWN_VERSION, naming the file */
  constructor(file: string) {
    this.file = file
    const database = openDatabase(file)
    this.#database = database
    try {
      this.#info = readMeta(database, file)
      this.#keys = new SqliteKeyTable(database, this.#info.keys, this.#info.bytes)
      this.#sessions = new ClientSessions([...readSessions(database)], new SqliteSessionTable(database))
      this.#begin = database.prepare('BEGIN IMMEDIATE')
      this.#commit = database.prepare('COMMIT')
      this.#writeMeta = prepareMetaWriter(database, this.#info.membershipIndex)
    } catch (error) {
      database.close()
      throw asFileError(file, error)
    }
  }

  get info(): StateInfo {
    return this.#info
  }

  /**
   * Applies entries. A malformed entry changes nothing; after any other error the memory may be
   * ahead of the file, so everything that follows is refused with that error.
   */
  apply(entries: readonly Entry[]): (WriteResult | null)[] {
    this.#assertSound()
    const decoded = decodeEntries(entries, this.#info.applied)
    if (decoded.length === 0) return []
    try {
      if (this.#openEntries === 0) this.#begin.run()
      const results = decoded.map((entry) => this.#applyOne(entry))
      this.#info = this.#infoAfter(decoded)
      this.#openEntries += decoded.length
      for (const { payload } of entries) this.#openBytes += payload.length
      if (this.#openEntries >= COMMIT_ENTRIES || this.#openBytes >= COMMIT_BYTES) this.#commitOpen()
      return results
    } catch (caught) {
      throw this.#fail(asDatabaseError(this.file, caught))
    }
  }

  /** Writes what was applied to the file, for others to see. Not a sync. */
  commit(): void {
    if (this.#openEntries === 0) return
    this.#assertSound()
    try {
      this.#commitOpen()
    } catch (caught) {
      throw this.#fail(asDatabaseError(this.file, caught))
    }
  }

  #commitOpen(): void {
    this.#writeMeta(this.#info)
    this.#commit.run()
    this.#openEntries = 0
    this.#openBytes = 0
  }

  get(key: Uint8Array): KeyValue | undefined {
    this.#assertSound()
    return guardFile(this.file, () => this.#keys.get(key))
  }

  scan(range: ScanRange, limit: number, maxBytes: number): Rows {
    this.#assertSound()
    return guardFile(this.file, () => takePage(this.#keys.range(range), limit, maxBytes))
  }

  /** For start-up. @throws StateError CORRUPT */
  check(): void {
    checkIntegrity(this.#database, this.file)
  }

  /** For start-up: makes what is applied durable before returning; false when it could not yet be done. */
  checkpointNow(): boolean {
    return guardFile(this.file, () => checkpointDatabase(this.#database, 'TRUNCATE').complete)
  }

  /** What was not committed is lost to the file. */
  close(): void {
    this.#database.close()
  }

  #applyOne({ index, term, envelope }: DecodedEntry): WriteResult | null {
    return envelope === undefined ? null : applyEnvelope(this.#keys, this.#sessions, envelope, { term, index })
  }

  #infoAfter(entries: readonly DecodedEntry[]): StateInfo {
    const { term, index } = entries.at(-1) as DecodedEntry
    const brought = lastMembership(entries)
    return {
      applied: { term, index },
      membership: brought?.membership ?? this.#info.membership,
      membershipIndex: brought?.index ?? this.#info.membershipIndex,
      keys: this.#keys.size,
      bytes: this.#keys.bytes,
    }
  }

  /** Undoes the transaction; closing the connection would, too, but readers of other connections would wait for it. */
  #fail(error: Error): Error {
    this.#failure = error
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    } catch (rollback) {
      this.#failure = new AggregateError([error, rollback], `${error.message}; and the transaction could not be undone`)
    }
    return this.#failure
  }

  #assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

/** One open generation of the database: the keys, the sessions, and the transactions that change them. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { KeyValue, ScanRange } from '../../api/index.ts'
import { LaterVersion, ReplicatedState, SPACES } from '../../commands/index.ts'
import type { Language, RowHead, Rows } from '../../commands/index.ts'
import { StateBusy } from '../../ports/index.ts'
import type { AppliedBatch, StateDigest, StateInfo } from '../../ports/index.ts'
import type { Entry, LogId, Membership } from '../../raft/index.ts'
import { applyDecoded, decodeEntries, lastMembership } from '../state/index.ts'
import type { DecodedEntry } from '../state/index.ts'
import type { StatePosition } from './row-checksum.ts'
import { checkpointDatabase } from './sqlite-checkpoint.ts'
import { asDatabaseError, asFileError, checkIntegrity, guardFile, isBusy, openDatabase } from './sqlite-database.ts'
import { prepareMetaWriter, readMeta } from './sqlite-meta.ts'
import { SqliteStore } from './sqlite-store.ts'
import { checkSums } from './sqlite-sums.ts'

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
  /**
   * Whether a transaction stays open between calls. Each that begins asks the system for locks, which costs twice what a look-up does: so
   * reads share one, until the next write. Not while a checkpoint runs, which waits for all who read what it moves.
   */
  keepsOpen = true
  readonly #database: DatabaseSync
  readonly #language: Language
  readonly #store: SqliteStore
  readonly #replicated: ReplicatedState
  readonly #begin: StatementSync
  readonly #beginReading: StatementSync
  readonly #commit: StatementSync
  readonly #writeMeta: (position: StatePosition) => void
  #applied: LogId
  #membership: Membership | null
  #membershipIndex: number
  /** Built when it is asked for, once for each batch: every proposal looks at it. */
  #info: StateInfo | undefined
  // Applied and not committed.
  #openEntries = 0
  #openBytes = 0
  /** A transaction is open in which nothing was written. */
  #reading = false
  #failure: Error | undefined

  /** @throws StateError CORRUPT, UNREADABLE, UNKNOWN_VERSION, naming the file; LaterVersion */
  constructor(file: string, language: Language) {
    this.file = file
    this.#language = language
    // The thread of this connection serves everybody: who meets a lock tries again later, and never sleeps.
    const database = openDatabase(file)
    this.#database = database
    try {
      const { applied, membership, membershipIndex, keys, bytes, systemRows, systemBytes } = readMeta(database, file)
      this.#applied = applied
      this.#membership = membership
      this.#membershipIndex = membershipIndex
      this.#store = new SqliteStore(database, { rows: keys, bytes }, { rows: systemRows, bytes: systemBytes })
      this.#begin = database.prepare('BEGIN IMMEDIATE')
      this.#beginReading = database.prepare('BEGIN')
      this.#commit = database.prepare('COMMIT')
      this.#writeMeta = prepareMetaWriter(database, membershipIndex)
      this.#replicated = this.#openState()
    } catch (error) {
      database.close()
      if (error instanceof LaterVersion) throw error
      throw asFileError(file, error)
    }
  }

  /** An empty state gets its first row, in a transaction with the count of it. */
  #openState(): ReplicatedState {
    if (this.#store.system.rows > 0) return new ReplicatedState(this.#store, this.#language)
    this.#begin.run()
    const state = new ReplicatedState(this.#store, this.#language)
    this.#writeMeta(this.#position)
    this.#commit.run()
    return state
  }

  get info(): StateInfo {
    const { origin } = this.#replicated
    this.#info ??= { ...this.#position, ...this.#replicated.meta, ...(origin === undefined ? {} : { origin }) }
    return this.#info
  }

  get #position(): StatePosition {
    const { user, system } = this.#store
    return {
      applied: this.#applied,
      membership: this.#membership,
      membershipIndex: this.#membershipIndex,
      keys: user.rows,
      bytes: user.bytes,
      systemRows: system.rows,
      systemBytes: system.bytes,
    }
  }

  /**
   * Applies entries. One that is malformed, or of a later version, changes nothing; after any other error the memory may be
   * ahead of the file, so everything that follows is refused with that error.
   * @throws StateBusy when another connection writes: nothing was changed
   */
  apply(entries: readonly Entry[]): AppliedBatch {
    this.#assertSound()
    const decoded = decodeEntries(entries, this.#applied, this.#language)
    if (decoded.length === 0) return { results: [], changes: [], digests: [] }
    try {
      if (this.#openEntries === 0) this.#beginNow()
      this.#info = undefined
      const batch = applyDecoded(this.#replicated, decoded)
      this.#follow(decoded)
      this.#openEntries += decoded.length
      for (const { payload } of entries) this.#openBytes += payload.length
      if (!this.keepsOpen || this.#openEntries >= COMMIT_ENTRIES || this.#openBytes >= COMMIT_BYTES) this.#commitOpen()
      return batch
    } catch (caught) {
      if (caught instanceof StateBusy) throw caught
      throw this.#fail(asDatabaseError(this.file, caught))
    }
  }

  /** A transaction that has begun holds the only lock that it needs: nothing later meets another writer. */
  #beginNow(): void {
    this.#endReading()
    try {
      this.#begin.run()
    } catch (error) {
      throw isBusy(error) ? new StateBusy(this.file) : error
    }
  }

  /** Writes what was applied to the file, for others to see. Not a sync. Leaves no transaction open. */
  commit(): void {
    if (this.#openEntries === 0 && !this.#reading) return
    this.#assertSound()
    try {
      if (this.#reading) this.#endReading()
      else this.#commitOpen()
    } catch (caught) {
      throw this.#fail(asDatabaseError(this.file, caught))
    }
  }

  #commitOpen(): void {
    this.#info = undefined
    this.#replicated.save()
    this.#writeMeta(this.#position)
    this.#commit.run()
    this.#openEntries = 0
    this.#openBytes = 0
  }

  #read<T>(look: () => T): T {
    this.#assertSound()
    return guardFile(this.file, () => {
      if (this.#openEntries === 0 && !this.#reading && this.keepsOpen) {
        this.#beginReading.run()
        this.#reading = true
      }
      return look()
    })
  }

  #endReading(): void {
    if (!this.#reading) return
    this.#commit.run()
    this.#reading = false
  }

  /** All rows were counted anew. What follows from that is written with the next commit. @throws StateBusy: nothing was changed */
  correct(kept: number, found: number): void {
    this.#assertSound()
    if (kept === found) return
    if (this.#openEntries === 0) this.#beginNow()
    this.#openEntries++
    this.#replicated.correct(kept, found)
  }

  get digest(): StateDigest {
    return { index: this.#applied.index, digest: this.#replicated.digest }
  }

  get(key: Uint8Array): KeyValue | undefined {
    return this.#read(() => this.#store.get(SPACES.user, key))
  }

  head(key: Uint8Array): RowHead | undefined {
    return this.#read(() => this.#store.head(SPACES.user, key))
  }

  scan(range: ScanRange, limit: number, maxBytes: number): Rows {
    return this.#read(() => this.#store.range(SPACES.user, range, limit, maxBytes))
  }

  /** For start-up. @throws StateError CORRUPT */
  check(): void {
    checkIntegrity(this.#database, this.file)
    const { user, system } = this.#store
    guardFile(this.file, () => checkSums(this.#database, this.file, this.#store, user, system))
  }

  /** For start-up: makes what is applied durable before returning; false when it could not yet be done. */
  checkpointNow(): boolean {
    return guardFile(this.file, () => checkpointDatabase(this.#database, 'TRUNCATE').complete)
  }

  /** What was not committed is lost to the file. */
  close(): void {
    this.#database.close()
  }

  #follow(entries: readonly DecodedEntry[]): void {
    const { term, index } = entries.at(-1) as DecodedEntry
    this.#applied = { term, index }
    const brought = lastMembership(entries)
    if (brought === undefined) return
    this.#membership = brought.membership
    this.#membershipIndex = brought.index
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

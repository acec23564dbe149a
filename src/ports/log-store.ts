import type { Entry, EntryKind, HardState, LogId } from '../raft/index.ts'
import type { Done } from './disk.ts'

/**
 * One atomic durable unit. Applied in the order of the fields: after a crash either all of it is there or none.
 */
export interface LogBatch {
  /** The cluster this log belongs to; set once, before the first entry. */
  readonly clusterId?: string
  readonly hardState?: HardState
  /** Entries at this index and after it are removed. */
  readonly truncateFrom?: number
  /** Consecutive; the first follows the last entry that is left. */
  readonly entries: readonly Entry[]
}

/** The position, kind and payload size of an entry found at start-up. */
export interface EntryMeta {
  readonly index: number
  readonly term: number
  readonly kind: EntryKind
  readonly size: number
}

/** What a log holds when it is opened. */
export interface RecoveredLog {
  readonly clusterId: string | null
  readonly hardState: HardState
  /** The position before the first entry held. */
  readonly purged: LogId
  readonly entries: readonly EntryMeta[]
  /** The entries of kind 'membership' among them, with payloads. */
  readonly memberships: readonly Entry[]
  /** The highest version that an entry of kind 'version' among them raises the cluster to; 0 when there is none. */
  readonly clusterVersion: number
  /** Bytes of a torn tail that were cut, 0 after a clean stop. */
  readonly tornBytes: number
}

/**
 * The durable Raft log. The caller keeps one `write`, `purge` or `reset` in flight at a time; reads go on
 * beside them. After any error the log must not be used again: a failed sync may have dropped what an
 * earlier call wrote, so the owner is poisoned.
 */
export interface LogStore {
  readonly recovered: RecoveredLog
  /** Makes the batches durable, in order, with one sync. */
  write(batches: readonly LogBatch[], done: Done): void
  /** Reads entries from `first` to `last` (both held), ending early once `maxBytes` of payload are passed; at least one. */
  read(first: number, last: number, maxBytes: number, done: (error: Error | undefined, entries: readonly Entry[]) => void): void
  /** Drops whole segments of entries up to `index`; reports the position before the first entry now held. */
  purge(index: number, done: (error: Error | undefined, purged: LogId) => void): void
  /** Replaces the whole log by an empty one that begins after `position`, keeping `hardState` and `clusterId`. Atomic. */
  reset(position: LogId, hardState: HardState, clusterId: string, done: Done): void
  /**
   * Remembers, durably before `done`, that this log lacks what its node has promised: it is refused whenever it is opened from now on.
   * It may come beside a write under way, and after an error.
   */
  distrust(reason: string, done: Done): void
  /** Bytes held on disk or in memory. */
  sizeBytes(): number
  close(done: Done): void
}

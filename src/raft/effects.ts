import type { Message } from './messages.ts'
import type { Entry, HardState, LogId, NodeId, Role, SnapshotMeta } from './types.ts'

/** One atomic durable unit, applied in the order of the fields. */
export interface Persist {
  readonly hardState?: HardState
  /** Entries at this index and after it go. */
  readonly truncateFrom?: number
  readonly append: readonly Entry[]
}

/** A read ticket that may be served once the state machine has applied `index`. */
export interface ReadyRead {
  readonly ticket: number
  readonly index: number
}

export interface RoleChange {
  readonly role: Role
  readonly term: number
  readonly leader: NodeId | null
}

/**
 * What the core asks of its shell, in numbered batches. The shell's duties:
 *
 * 1. `send` may leave at once; appends are completed with `count` entries after `prev` first.
 * 2. `restore`, then `persist`, are carried out in the order of the batches; afterwards `persisted(id)` is called, in order.
 *    A shell may make several batches durable with one sync.
 * 3. `sendOncePersisted` leaves when this batch and every one before it are durable.
 * 4. `apply` names entries that are committed and durable, in order, each once.
 * 5. A failed write or sync is the end: nothing more is sent, and the core is not called again.
 */
export interface Effects {
  readonly id: number
  readonly persist: Persist | undefined
  /** A snapshot the shell holds replaces the state and the log. Followed by `persisted(id)` once both are durable. */
  readonly restore: SnapshotMeta | undefined
  readonly send: readonly Message[]
  readonly sendOncePersisted: readonly Message[]
  readonly apply: { readonly first: number; readonly last: number } | undefined
  readonly reads: readonly ReadyRead[]
  /** Peers that need a snapshot: `snapshotEnded` is called when the transfer is over. */
  readonly snapshots: readonly NodeId[]
  readonly role: RoleChange | undefined
}

/** Positions of a batch that is on its way to the disk. */
export interface OutstandingBatch {
  readonly id: number
  readonly hardState: HardState | undefined
  /** The first entry it makes durable; Infinity: none. */
  readonly firstIndex: number
  /** The last entry it makes durable; clamped when a later truncation removes some of them. 0: none. */
  lastIndex: number
  /** The position a snapshot replaces the log up to. */
  readonly restored: LogId | undefined
}

/** The vocabulary of the consensus core. Terms follow the Raft paper (Ongaro & Ousterhout 2014) and thesis (Ongaro 2014). */

/** A node's number in the cluster: a non-zero safe integer. */
export type NodeId = number

/** The position of a log entry. `{ term: 0, index: 0 }` is the position before the first entry. */
export interface LogId {
  readonly term: number
  readonly index: number
}

/** What a node must remember across restarts besides its log. */
export interface HardState {
  readonly term: number
  readonly votedFor: NodeId | null
}

/** A member as the configuration names it: its number is bound to its key. Addresses are hints. */
export interface Member {
  readonly id: NodeId
  readonly endpointId: string
  readonly addresses: readonly string[]
}

/**
 * A cluster configuration. While `outgoing` is not empty the configuration is joint: decisions need a
 * majority of `voters` and a majority of `outgoing` (thesis 4.3). Lists are sorted and free of duplicates.
 */
export interface Membership {
  readonly voters: readonly NodeId[]
  readonly outgoing: readonly NodeId[]
  readonly learners: readonly NodeId[]
  /** Everyone named in the three lists, and nobody else, ordered by id. */
  readonly members: readonly Member[]
}

export type EntryKind = 'command' | 'noop' | 'membership' | 'version'

/** A log entry. The core reads its position, kind and size; the payload's bytes are the shell's business. */
export interface Entry {
  readonly index: number
  readonly term: number
  readonly kind: EntryKind
  readonly payload: Uint8Array
  /** The decoded payload of an entry of kind 'membership'. */
  readonly membership?: Membership
}

/** What identifies a snapshot: the cut it was taken at, and the configuration in force there. */
export interface SnapshotMeta {
  readonly last: LogId
  readonly membership: Membership
  /** The index of the entry that brought `membership`. */
  readonly membershipIndex: number
}

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader'

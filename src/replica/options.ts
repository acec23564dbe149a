import type { PeerSourceView } from '../api/index.ts'
import type { Language } from '../commands/index.ts'
import type { Random } from '../lib/index.ts'
import {
  CHECKPOINT_INTERVAL_BYTES,
  LOG_RETAINED_BYTES,
  MAX_APPEND_BYTES,
  MAX_ENTRY_CACHE_BYTES,
  MAX_LOG_HELD_BYTES,
  MAX_PENDING_READS,
  MAX_PERSIST_BYTES,
  MAX_PROPOSAL_BYTES,
  MAX_PROPOSALS,
  MAX_SNAPSHOT_REQUESTS,
  STATE_HELD_WARNING_BYTES,
} from '../limits.ts'
import type { Clock, LinkedPeer, Links, Logger, LogStore, Metrics, SnapshotStore, StateMachine, Volume } from '../ports/index.ts'
import { SEND_LIMITS } from '../raft/index.ts'
import type { Member, Membership, NodeId, SendLimits, Timings } from '../raft/index.ts'

/** What a replica takes on at a time. A test gives less, to be at its bounds with little. */
export interface ReplicaLimits {
  /** Writes proposed here and not yet applied, and their bytes. */
  readonly proposals: number
  readonly proposalBytes: number
  /** Requests that wait for the leader, here on another node, and their bytes. */
  readonly forwarded: number
  readonly forwardedBytes: number
  readonly reads: number
  /** Those that wait while a snapshot is being taken. */
  readonly snapshotRequests: number
  /** What a leader sends to one peer at a time. */
  readonly send: SendLimits
  /** Payload in one write of the log, and in one batch that is applied; a single entry may be larger. */
  readonly writeBytes: number
  readonly applyBytes: number
  /** Entries in memory, for peers and for applying. */
  readonly cacheBytes: number
  /** Payload applied between two checkpoints; kept in the log behind the applied index; and kept there for a peer that is behind. */
  readonly checkpointBytes: number
  readonly retainedBytes: number
  readonly heldBytes: number
  /** Of the state's own log, held by readers of other processes, before that is said. */
  readonly stateHeldBytes: number
}

export const REPLICA_LIMITS: ReplicaLimits = {
  proposals: MAX_PROPOSALS,
  proposalBytes: MAX_PROPOSAL_BYTES,
  forwarded: MAX_PROPOSALS,
  forwardedBytes: MAX_PROPOSAL_BYTES,
  reads: MAX_PENDING_READS,
  snapshotRequests: MAX_SNAPSHOT_REQUESTS,
  send: SEND_LIMITS,
  writeBytes: MAX_PERSIST_BYTES,
  applyBytes: MAX_APPEND_BYTES,
  cacheBytes: MAX_ENTRY_CACHE_BYTES,
  checkpointBytes: CHECKPOINT_INTERVAL_BYTES,
  retainedBytes: LOG_RETAINED_BYTES,
  heldBytes: MAX_LOG_HELD_BYTES,
  stateHeldBytes: STATE_HELD_WARNING_BYTES,
}

/** What a founder brings: the id of the cluster, 32 hex characters, and itself as a member. */
export interface FoundingTerms {
  readonly clusterId: string
  readonly self: Member
}

/** Whoever can found a cluster for others. */
export interface Founder {
  terms(): FoundingTerms
  /** @throws AspenError where this node must not belong to a new cluster, founded by whomever */
  checkMayFound?(): void
}

export interface ReplicaOptions {
  readonly nodeId: NodeId
  readonly clock: Clock
  /** Seeds election timeouts and the incarnation. */
  readonly random: Random
  readonly log: LogStore
  readonly stateMachine: StateMachine
  /** What commands are read with, by the state machine too. That of this program when absent. */
  readonly language?: Language
  /** The version of the cluster is not raised beyond this one; no bound when absent. */
  readonly maxClusterVersion?: number
  readonly snapshots: SnapshotStore
  /** Those that the node writes to, to be watched for room; none when absent. */
  readonly volumes?: readonly Volume[]
  /** What is kept free of each of them, in bytes; when absent or null, 5 % of it, at most 8 GiB. */
  readonly diskReserveBytes?: number | null
  /** Learners become voters by themselves when they are ready; false when absent. */
  readonly autoPromote?: boolean
  /** The links to peers; when they begin and end is their owner's business. */
  readonly transport: Links
  readonly logger: Logger
  readonly metrics: Metrics
  readonly timings: Timings
  /** Entries kept behind the applied index when the log is purged. */
  readonly retainedEntries: number
  /** Entries applied between two checkpoints. */
  readonly checkpointIntervalEntries: number
  /** Where it is to take on less than it could. */
  readonly limits?: Partial<ReplicaLimits>
  /** Every invariant of the core is checked after every input of it; for tests and simulations. */
  readonly thorough?: boolean
  /** The id a peer is said to have, for error messages only. */
  readonly nodeIdHint: (endpointId: string) => NodeId | null
  /** Where this node hears of others, for error messages only. */
  readonly sources?: PeerSources
  /** What this node brings when another one hands it the founding of a cluster; absent, it founds none but its own. */
  readonly founder?: Founder
  /** Called once, when an invariant, a write or a sync failed: the replica says and does nothing from then on. */
  readonly onFatal: (error: Error) => void
  /** Called when a peer has proven its key and said who it is and where it can be dialled. */
  readonly onLinked: (peer: LinkedPeer) => void
  /** Called when this node has become one of a cluster: its links have to say so before anything else is said on them. */
  readonly onClusterId: (clusterId: string) => void
  /** Called when another configuration is in force: its members are to be reached. */
  readonly onMembership: (membership: Membership) => void
}

/** By what a node hears of others. */
export interface PeerSources {
  views(): readonly PeerSourceView[]
}

/** Answers exactly once: an error, or a value. */
export type Reply<T> = (error: Error | undefined, value?: T) => void

import type { Random } from '../lib/index.ts'
import type { Clock, LinkedPeer, Links, Logger, LogStore, Metrics, SnapshotStore, StateMachine, Volume } from '../ports/index.ts'
import type { Membership, NodeId, Timings } from '../raft/index.ts'

export interface ReplicaOptions {
  readonly nodeId: NodeId
  readonly clock: Clock
  /** Seeds election timeouts and the incarnation. */
  readonly random: Random
  readonly log: LogStore
  readonly stateMachine: StateMachine
  readonly snapshots: SnapshotStore
  /** Those that the node writes to, to be watched for room; none when absent. */
  readonly volumes?: readonly Volume[]
  /** What is kept free of each of them, in bytes; when absent or null, 5 % of it, at most 8 GiB. */
  readonly diskReserveBytes?: number | null
  /** The links to peers; when they begin and end is their owner's business. */
  readonly transport: Links
  readonly logger: Logger
  readonly metrics: Metrics
  readonly timings: Timings
  /** Entries kept behind the applied index when the log is purged. */
  readonly retainedEntries: number
  /** Entries applied between two checkpoints. */
  readonly checkpointIntervalEntries: number
  /** The id a peer is said to have, for error messages only. */
  readonly nodeIdHint: (endpointId: string) => NodeId | null
  /** Called once, when an invariant, a write or a sync failed: the replica says and does nothing from then on. */
  readonly onFatal: (error: Error) => void
  /** Called when a peer has proven its key and said who it is and where it can be dialled. */
  readonly onLinked: (peer: LinkedPeer) => void
  /** Called when this node has become one of a cluster: its links have to say so before anything else is said on them. */
  readonly onClusterId: (clusterId: string) => void
  /** Called when another configuration is in force: its members are to be reached. */
  readonly onMembership: (membership: Membership) => void
}

/** Answers exactly once: an error, or a value. */
export type Reply<T> = (error: Error | undefined, value?: T) => void

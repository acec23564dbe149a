import type { DiskStatus } from '../api/index.ts'
import type { DigestStanding } from './peers/index.ts'
import type { HeardVote, Membership, NodeId, RaftCounters, Role } from '../raft/index.ts'

/** What of the consensus state can be seen from outside. */
export interface ReplicaView {
  readonly clusterId: string | null
  readonly role: Role
  readonly term: number
  readonly votedFor: NodeId | null
  readonly leader: NodeId | null
  readonly membership: Membership
  /** Where it stands in the log. */
  readonly membershipIndex: number
  readonly lastLog: { readonly term: number; readonly index: number }
  readonly persistedIndex: number
  readonly commitIndex: number
  /** When that moved last, or this node began to lead, in milliseconds of the clock. */
  readonly commitMovedAt: number
  /** The highest that this node knows of, its own or what leaders have said. */
  readonly knownCommitIndex: number
  readonly appliedIndex: number
  readonly purgedIndex: number
  readonly proposals: number
  readonly reads: number
  readonly turns: number
  readonly snapshotsSent: number
  readonly counters: Readonly<RaftCounters>
  /** What voters have answered to this node's requests for votes; empty while somebody leads. */
  readonly heardVotes: ReadonlyMap<NodeId, HeardVote>
  /** Leadership is being handed over, or this leader is removed: it takes no work. */
  readonly handsOver: boolean
  /** Since when the log is being written, in milliseconds of the clock; null while it is not. */
  readonly writingSince: number | null
  readonly disk: DiskStatus | null
  readonly digests: DigestStanding
  readonly poisoned: Error | null
}

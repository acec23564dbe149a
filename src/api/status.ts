import type { ClusterState } from './cluster-controller.ts'
import type { PeerHearing, PeerPath } from './peers.ts'
import type { RequestOptions } from './key-value-store.ts'

/** One node's view of one peer. Leaders know more than followers. */
export interface PeerStatus {
  readonly endpointId: string
  /** The id the peer claims, or null when it was never linked. */
  readonly nodeId: number | null
  readonly connected: boolean
  readonly lastError: string | null
  /** What carries the link; null without one. */
  readonly path: PeerPath | null
  /** Who spoke of it, and how long ago. */
  readonly sources: readonly Pick<PeerHearing, 'source' | 'ageMs'>[]
  /** On a leader: the last entry known to be in the peer's log. */
  readonly matchIndex: number | null
  /** On a leader: milliseconds since the peer's last answer. */
  readonly lastContactMs: number | null
}

/** Peers of which one source spoke, of those with a link or of those without. */
export interface KnownPeers {
  readonly source: string
  readonly connected: boolean
  readonly peers: number
}

/**
 * What seems to be the matter with another member, as one node sees it. `crashed`: its process has ended; `actor-down`: its process lives, and takes no
 * part in consensus; `stalled`: its process stands still; `cut-off`: it is alive, and the network between the two is cut; `unreachable`: its
 * machine is off, or the network is cut; `refused`: it is there, and one of the two would have no link; `unlinked`: that is not known yet.
 */
export type MemberCondition = 'well' | 'crashed' | 'actor-down' | 'stalled' | 'cut-off' | 'unreachable' | 'refused' | 'unlinked'

export interface MemberHealth {
  readonly nodeId: number
  readonly endpointId: string
  readonly condition: MemberCondition
  /** What was seen, in words. */
  readonly detail: string
  /** For how long it has not been well; 0 while it is. */
  readonly forMs: number
  /** It is not well since 60 s. */
  readonly needsAttention: boolean
}

export interface HealthCheck {
  readonly name: string
  readonly ok: boolean
  /** What it looked at, in words. */
  readonly detail: string
}

/** How full a volume of a node is: the fullest, where there are several. */
export interface DiskStatus {
  /** A folder of the node on that volume. */
  readonly directory: string
  readonly freeBytes: number
  readonly totalBytes: number
  /** With one decimal, as df counts. */
  readonly usedPercent: number
  /** Nearly full: while this node leads, writes that could grow the store are refused. */
  readonly isLow: boolean
  /** Writes refused for it since the start. */
  readonly refusedWrites: number
}

/** A failure of an actor, and what followed. */
export interface ActorFailure {
  /** In words. */
  readonly reason: string
  readonly agoMs: number
  /** How long the life had been that ended so. */
  readonly uptimeMs: number
  /** Until it was, or is, started again; null when it is not. */
  readonly pauseMs: number | null
}

/** One actor of a node. */
export interface ActorStatus {
  /** Where it stands below the NodeServer: the names of its supervisors and its own. */
  readonly path: string
  /** `down` is between two lives. */
  readonly state: 'starting' | 'running' | 'ending' | 'down' | 'gone'
  /** Of the present life; null without one. */
  readonly uptimeMs: number | null
  /** Lives behind the first, whatever ended the one before. */
  readonly restarts: number
  /** Failures since the node's start. */
  readonly failures: number
  readonly lastFailure: ActorFailure | null
  /** Open: it failed too often, and is left alone for a while. Half-open: it is being tried once. */
  readonly circuit: 'closed' | 'open' | 'half-open'
}

/** Restarts by hand. */
export interface ActorAdmin {
  /**
   * Ends an actor of this node in good order and starts it again. Resolves when it serves again.
   * @throws AspenError INVALID_REQUEST for an actor that there is not, DEADLINE_EXCEEDED, STOPPING, POISONED
   */
  restartActor(actor: string, options?: RequestOptions): Promise<void>
}

/** Versions of the replicated language: what may be written depends on them. */
export interface VersionStatus {
  /** In force, as far as this node has applied. Commands of a later one are refused. */
  readonly cluster: number
  /** The highest that this node can apply. */
  readonly own: number
  /** Members that cannot apply this node's own, or have no link to it: they hold the cluster back. */
  readonly heldBackBy: readonly number[]
}

/** Everything one node can say about itself; the source of /health, /raft-metrics, /node-info and the gauges. */
export interface NodeStatus {
  readonly nodeId: number
  readonly endpointId: string
  readonly version: string
  readonly addresses: readonly string[]
  readonly clusterId: string | null
  readonly initialized: boolean
  readonly role: 'follower' | 'pre-candidate' | 'candidate' | 'leader' | 'learner'
  readonly term: number
  readonly leader: number | null
  readonly votedFor: number | null
  readonly lastLogIndex: number
  readonly lastLogTerm: number
  readonly persistedIndex: number
  readonly commitIndex: number
  /** The highest index that this node knows to be committed anywhere: its own, or what leaders have said. */
  readonly knownCommitIndex: number
  readonly appliedIndex: number
  readonly purgedIndex: number
  readonly snapshotIndex: number
  readonly logBytes: number
  readonly versions: VersionStatus
  /** Of the last write that changed a key; 1 in an empty store. */
  readonly revision: number
  readonly keys: number
  readonly stateBytes: number
  readonly proposalsInFlight: number
  readonly readsInFlight: number
  readonly mailbox: { readonly depth: number; readonly capacity: number; readonly refused: number }
  readonly turns: number
  readonly electionsStarted: number
  readonly leaderChanges: number
  readonly snapshotsSent: number
  readonly snapshotsInstalled: number
  readonly cluster: ClusterState
  /** Those that are linked, or dialled. */
  readonly peers: readonly PeerStatus[]
  /** The other members, as they seem to this node: suspicions, which change nothing. */
  readonly memberHealth: readonly MemberHealth[]
  /** Those in the peer book, by who spoke of them: one that several spoke of counts for each. */
  readonly knownPeers: readonly KnownPeers[]
  /** Null for a node that keeps everything in memory. */
  readonly disk: DiskStatus | null
  /** Null while the node is sound; else why it stopped taking part. */
  readonly poisoned: string | null
  readonly checks: readonly HealthCheck[]
  /** Those that make up the node, supervisors before whom they supervise. */
  readonly actors: readonly ActorStatus[]
  readonly uptimeMs: number
}

export interface StatusSource {
  status(): NodeStatus
}

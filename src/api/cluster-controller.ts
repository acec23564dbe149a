import type { RequestOptions, WriteLogId } from './key-value-store.ts'

/** A member: its number, its key, and where it was last known to listen. */
export interface ClusterNode {
  readonly id: number
  readonly endpointId: string
  readonly addresses: readonly string[]
}

/** Who belongs to the cluster. */
export interface ClusterState {
  /** The voters, in order. While a change is under way, of the new configuration. */
  readonly members: readonly number[]
  readonly learners: readonly number[]
  /** Where the configuration stands in the log, 0 without one: another one has another index. Null when a leader of an earlier version answered. */
  readonly index: number | null
  /** Everyone in the configuration, in order of id. */
  readonly nodes: readonly ClusterNode[]
}

export interface AddPeerRequest {
  readonly nodeId: number
  /** Ed25519 public key, 64 hex characters. */
  readonly endpointId: string
  /** `host:port` hints; at most 32. */
  readonly addresses: readonly string[]
  /** A relay URL, for transports that use one. */
  readonly relay?: string | null
}

export interface SnapshotReport {
  readonly id: string
  readonly logId: WriteLogId
  readonly sizeBytes: number
}

/** Makes whoever comes second lose: what is not so any more refuses the change with MEMBERSHIP_CHANGED, which says what is. */
export interface MembershipCondition {
  /** The voters that the change is meant for. */
  readonly ifMembers?: readonly number[]
  /** The `index` of the configuration that the change is meant for. */
  readonly ifIndex?: number
}

export interface ChangeMembershipRequest extends MembershipCondition {
  /** The voters afterwards; not empty. A voter left out is removed. */
  readonly members: readonly number[]
  /** The learners afterwards, at most 100; absent: those of today who do not become voters stay. */
  readonly learners?: readonly number[]
}

/** Cluster administration. Any node answers; every method rejects with an AspenError. */
export interface ClusterController {
  /** Founds a cluster of these voters, this node among them. */
  init(members: readonly number[], options?: RequestOptions): Promise<ClusterState>
  /** Adds a non-voting member. The endpoint id chooses where several live peers claim the node id. */
  addLearner(nodeId: number, endpointId?: string, options?: RequestOptions): Promise<ClusterState>
  /** Waits until every new voter is connected and near the end of the log, then changes the voters by joint consensus. */
  changeMembership(request: ChangeMembershipRequest, options?: RequestOptions): Promise<ClusterState>
  /**
   * Raises the version of the cluster at once, where it would be raised by itself after some time; it never goes down. Every member has to
   * be linked to the leader and able to apply it. Nothing is done when the cluster has it, or a later one.
   */
  raiseVersion(version: number, options?: RequestOptions): Promise<void>
  /** Who belongs to the cluster, as this node knows it. */
  clusterState(): Promise<ClusterState>
  /** Enters a peer's addresses into the peer book; the node keeps a link to it from now on. */
  addPeer(peer: AddPeerRequest): Promise<void>
  /**
   * Forgets a peer that is no member: this node dials it no more. One that runs and dials this node is known again. Rejects with
   * NODE_UNKNOWN for a key that is not in the peer book.
   */
  forgetPeer(endpointId: string): Promise<void>
  /** The leader as this node knows it. */
  leader(): Promise<number | null>
  /** Takes a snapshot of this node's state; resolves when it is durable. */
  triggerSnapshot(options?: RequestOptions): Promise<SnapshotReport>
}

import type { ClusterState, MembershipCondition } from './cluster-controller.ts'
import type { RequestOptions } from './key-value-store.ts'
import type { MemberHealth } from './status.ts'

export interface PromoteLearnerRequest extends MembershipCondition {
  readonly nodeId: number
  /** A voter that is gone, whose place the learner takes in the same change. Absent: it comes beside the others. */
  readonly replace?: number
  /** Also less than 300 s after the voters were changed. */
  readonly force?: boolean
  /** Says what would become of it, and changes nothing. */
  readonly dryRun?: boolean
}

/** What another member has answered, and when. */
export interface WhyAnswer extends MemberHealth {
  readonly isVoter: boolean
  /** On a leader: since its last answer. */
  readonly lastContactMs: number | null
  /** On a leader: entries that it is not known to have. */
  readonly lag: number | null
  /** What it said last when this node asked for its vote; null once somebody leads. A pre-vote says whether a vote would be given. */
  readonly vote: { readonly granted: boolean; readonly preVote: boolean; readonly term: number; readonly agoMs: number } | null
}

/** What is in the way of reads and writes, as one node sees it. */
export interface WhyReport {
  readonly nodeId: number
  /** Nothing was found in the way. */
  readonly isWell: boolean
  /** In words, what matters most first; one at least. */
  readonly sentences: readonly string[]
  readonly answers: readonly WhyAnswer[]
}

/** `left`: a member once; `known`: linked, and never a member. */
export type NodeState = 'voter' | 'learner' | 'left' | 'known'

/** What one node knows of another, or of itself, across restarts. */
export interface NodeRecord {
  readonly nodeId: number
  readonly endpointId: string
  /** Where it said last that it is. */
  readonly addresses: readonly string[]
  /** Of its program; null while that is not known. */
  readonly version: string | null
  /** The highest version of the cluster that it can apply; null while that is not known. */
  readonly languageVersion: number | null
  readonly state: NodeState
  readonly isLinked: boolean
  /** Since it was heard of first. */
  readonly knownForMs: number
  /** Since it was linked last, restarts of this node included; null when it never was. */
  readonly lastSeenMs: number | null
}

/** Who votes and who leads, with rules that keep a cluster from harm. Any node answers; every method rejects with an AspenError. */
export interface MemberAdmin {
  /**
   * Makes a learner a voter: it waits until that is linked, answers, and is near the end of the log. Resolves with the members afterwards; of
   * a dry run, with those that there would be.
   * @throws AspenError LEARNER_NOT_READY, which says how far it is; PROMOTION_REFUSED; MEMBERSHIP_CHANGED; NODE_UNKNOWN; INVALID_REQUEST
   */
  promoteLearner(request: PromoteLearnerRequest, options?: RequestOptions): Promise<ClusterState>
  /**
   * Hands leadership to another voter. Resolves when that leads. The cluster takes no writes meanwhile, for an election timeout at most; they
   * wait.
   * @throws AspenError TRANSFER_REFUSED, which says why; NODE_UNKNOWN; INVALID_REQUEST for one that has no vote
   */
  transferLeadership(nodeId: number, options?: RequestOptions): Promise<void>
  /** Why there is no leader, why a write waits, or why this node is alone. From what it knows: it asks nobody. */
  why(): Promise<WhyReport>
  /** What this node knows of every node, itself first. Members stay; others are forgotten a week after they were seen last. */
  nodes(): Promise<readonly NodeRecord[]>
}

import type { ClusterState, MembershipCondition } from './cluster-controller.ts'
import type { RequestOptions } from './key-value-store.ts'

export interface PromoteLearnerRequest extends MembershipCondition {
  readonly nodeId: number
  /** A voter that is gone, whose place the learner takes in the same change. Absent: it comes beside the others. */
  readonly replace?: number
  /** Also less than 300 s after the voters were changed. */
  readonly force?: boolean
  /** Says what would become of it, and changes nothing. */
  readonly dryRun?: boolean
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
}

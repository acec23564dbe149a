export type { Effects, Persist, ReadyRead, RoleChange } from './effects.ts'
export { ForgottenPromise } from './forgotten-promise.ts'
export {
  allVoters,
  EMPTY_MEMBERSHIP,
  finalMembership,
  hasQuorum,
  isJoint,
  isMember,
  isVoter,
  isVoterAs,
  proposedMembership,
} from './membership.ts'
export type { MembershipTarget } from './membership.ts'
export type { ChangeRefusal } from './membership-change.ts'
export type * from './messages.ts'
export { SEND_LIMITS } from './progress.ts'
export type { SendLimits } from './progress.ts'
export { Raft } from './raft.ts'
export type { PeerProgress } from './raft.ts'
export type { Reminder } from './reminder.ts'
export type { HeardVote, RaftCounters, RaftOptions, RaftRestored, Timings } from './state.ts'
export type * from './types.ts'

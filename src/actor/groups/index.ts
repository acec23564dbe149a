export type { GroupEvent, GroupMember, LeaveReason } from './group-watch.ts'
export { Groups } from './groups.ts'
export type { Membership, MembershipListener } from './groups.ts'

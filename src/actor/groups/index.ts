export type { GroupEvent, GroupMember } from './group-watch.ts'
export { Groups } from './groups.ts'
export type { Membership, MembershipListener } from './groups.ts'

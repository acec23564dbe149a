import { MAX_LEARNERS } from '../limits.ts'
import { checkNodeIds } from './check-node-ids.ts'
import type { ChangeMembershipRequest, MembershipCondition } from './cluster-controller.ts'
import { checked, givenFields, givenWhole, invalid } from './given.ts'
import type { Given } from './given.ts'

export const CONDITION = ['ifMembers', 'ifIndex']

/** Who shall belong to the cluster, in a copy: ids in order, each once. @throws AspenError INVALID_REQUEST */
export function checkMembership(change: unknown): ChangeMembershipRequest {
  return checked('the change', () => {
    const fields = givenFields(change, 'the change', ['members', 'learners', ...CONDITION])
    const members = checkVoters(fields['members'])
    const condition = checkCondition(fields)
    if (fields['learners'] === undefined) return { members, ...condition }
    const learners = checkNodeIds(fields['learners'], 'learners', MAX_LEARNERS)
    // Who votes learns, too: an id in both lists counts once.
    return { members, learners: learners.filter((id) => !members.includes(id)), ...condition }
  })
}

/** What has to be the case for a change to be made. @throws AspenError INVALID_REQUEST */
export function checkCondition({ ifMembers, ifIndex }: Given): MembershipCondition {
  return {
    ...(ifMembers === undefined ? {} : { ifMembers: checkVoters(ifMembers, 'ifMembers') }),
    ...(ifIndex === undefined ? {} : { ifIndex: givenWhole(ifIndex, 'ifIndex', 1) }),
  }
}

/** @throws AspenError INVALID_REQUEST */
export function checkVoters(members: unknown, what = 'members'): readonly number[] {
  const voters = checkNodeIds(members, what)
  if (voters.length === 0) throw invalid(`${what} is empty: a cluster needs a voter`)
  return voters
}

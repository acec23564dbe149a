import { MAX_LEARNERS } from '../limits.ts'
import { checkNodeIds } from './check-node-ids.ts'
import type { ChangeMembershipRequest } from './cluster-controller.ts'
import { checked, givenFields, invalid } from './given.ts'

/** Who shall belong to the cluster, in a copy: ids in order, each once. @throws AspenError INVALID_REQUEST */
export function checkMembership(change: unknown): ChangeMembershipRequest {
  return checked('the change', () => {
    const fields = givenFields(change, 'the change', ['members', 'learners'])
    const members = checkVoters(fields['members'])
    if (fields['learners'] === undefined) return { members }
    const learners = checkNodeIds(fields['learners'], 'learners', MAX_LEARNERS)
    // Who votes learns, too: an id in both lists counts once.
    return { members, learners: learners.filter((id) => !members.includes(id)) }
  })
}

/** @throws AspenError INVALID_REQUEST */
export function checkVoters(members: unknown): readonly number[] {
  const voters = checkNodeIds(members, 'members')
  if (voters.length === 0) throw invalid('members is empty: a cluster needs a voter')
  return voters
}

/** Changing who belongs: joint consensus (thesis 4.3), one change at a time. */
import { assert, fail } from '../lib/index.ts'
import { becomeFollower } from './election.ts'
import { finalMembership, isJoint, isMember, proposedMembership } from './membership.ts'
import type { MembershipTarget } from './membership.ts'
import { Progress } from './progress.ts'
import type { RaftState } from './state.ts'
import { bestSuccessor } from './transfer.ts'
import type { LogId, Membership } from './types.ts'

export type ChangeRefusal =
  | 'not-leader'
  /** Another change is not finished, or this leader has not yet committed an entry of its term. */
  | 'in-progress'

/**
 * Proposes the change; a joint configuration is left by itself once it is committed. Returns the log id of the
 * first configuration proposed.
 */
export function changeMembership(state: RaftState, target: MembershipTarget): LogId | ChangeRefusal {
  if (state.role !== 'leader' || state.transfer !== null) return 'not-leader'
  if (!state.committedInTerm || state.memberships.activeIndex > state.commit || isJoint(state.membership)) return 'in-progress'
  assert(target.voters.length > 0, 'a configuration needs a voter')
  for (const { id, endpointId } of target.newMembers) {
    // Who has the id now must be gone first, in a committed configuration of its own.
    const holder = state.membership.members.find((member) => member.id === id)
    if (holder !== undefined && holder.endpointId !== endpointId) fail(`a change binds node ${id} to another key`)
  }
  return propose(state, proposedMembership(state.membership, target))
}

function propose(state: RaftState, membership: Membership): LogId {
  if (isJoint(membership)) state.counters.jointChanges++
  const logId = state.appendEntry('membership', state.encodeMembership(membership), membership)
  followMembership(state)
  return logId
}

/** Brings the leader's list of peers in line with the active configuration. */
function followMembership(state: RaftState): void {
  const { membership } = state
  for (const { id } of membership.members) {
    // One that was leaving comes back as somebody new: its number may now stand for another key, with another log.
    const known = state.progress.get(id)?.departingAt === null
    if (id !== state.id && !known) state.progress.set(id, new Progress(state.log.lastIndex + 1, state.now, state.sendLimits))
  }
  for (const [id, progress] of state.progress) {
    if (isMember(membership, id) || progress.departingAt !== null) continue
    progress.departingAt = state.memberships.activeIndex
    progress.departureDeadline = state.now + 2 * state.timings.electionTimeoutMaxMs
  }
}

/** After a commit: leaves a joint configuration, and steps down when the leader is not in the final one. */
export function settleMembership(state: RaftState): void {
  if (state.memberships.activeIndex > state.commit) return
  if (isJoint(state.membership)) {
    if (state.committedInTerm) propose(state, finalMembership(state.membership))
    return
  }
  if (state.isVoter) return
  const successor = bestSuccessor(state)
  if (successor !== null) state.stage.send({ type: 'timeout-now', from: state.id, to: successor, term: state.term })
  becomeFollower(state, state.term, null)
}

/** Forgets members that have left and could not be told so for a while. */
export function forgetDeparted(state: RaftState): void {
  for (const [id, progress] of state.progress) {
    if (progress.departingAt !== null && state.now >= progress.departureDeadline) state.progress.delete(id)
  }
}

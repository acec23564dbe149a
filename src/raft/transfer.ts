/** Leadership transfer (thesis 3.10). */
import { isVoter } from './membership.ts'
import type { RaftState } from './state.ts'
import type { NodeId } from './types.ts'

/** The voter whose log is nearest to the leader's, or null when there is none to hand over to. */
export function bestSuccessor(state: RaftState): NodeId | null {
  let best: NodeId | null = null
  let bestMatch = -1
  for (const [id, progress] of state.progress) {
    if (!isVoter(state.membership, id) || progress.departingAt !== null) continue
    const silent = state.now - progress.lastContact >= state.timings.electionTimeoutMinMs
    const match = silent ? -1 : progress.match
    if (match > bestMatch) {
      best = id
      bestMatch = match
    }
  }
  return best
}

/**
 * Hands leadership to `target`: no more proposals are taken, and once the target has the whole log it is told
 * to campaign. Given up after an election timeout. Returns false when this node does not lead or `target` cannot.
 */
export function transferLeadership(state: RaftState, target: NodeId): boolean {
  if (state.role !== 'leader' || target === state.id || !isVoter(state.membership, target)) return false
  state.transfer = { target, deadline: state.now + state.timings.electionTimeoutMinMs, asked: false }
  continueTransfer(state)
  return true
}

export function continueTransfer(state: RaftState): void {
  const { transfer } = state
  if (transfer === null || transfer.asked) return
  if ((state.progress.get(transfer.target)?.match ?? 0) < state.log.lastIndex) return
  transfer.asked = true
  state.stage.send({ type: 'timeout-now', from: state.id, to: transfer.target, term: state.term })
}

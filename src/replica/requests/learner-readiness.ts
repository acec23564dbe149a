/**
 * Whether a member is near enough to the end of the log to vote: behind by at most so many entries, or by less than an election timeout
 * (thesis 4.2.1). Writers are never slowed for it.
 */
import { AspenError } from '../../api/index.ts'
import { LEARNER_LAG_THRESHOLD } from '../../limits.ts'
import type { NodeId, Raft } from '../../raft/index.ts'
import type { Peers } from '../peers/index.ts'

type ReadinessCore = Pick<Raft, 'id' | 'lastLog' | 'peer'>

/** How far a member is from being ready to vote, and why; null when it is. To be asked of a leader. */
export function notReady(raft: ReadinessCore, peers: Pick<Peers, 'isLinked'>, id: NodeId): AspenError | null {
  if (id === raft.id) return null
  const peer = raft.peer(id)
  const connected = peer !== undefined && peers.isLinked(id)
  const lag = raft.lastLog.index - (peer?.match ?? 0)
  const roundMs = peer?.roundMs ?? null
  const details = { node_id: id, connected, lag, last_round_ms: roundMs === null ? null : Math.round(roundMs) }
  if (!connected) {
    const words = `node ${id} is not connected to the leader, and ${lag} entries behind: nothing was changed; try again when it runs`
    return new AspenError('LEARNER_NOT_READY', words, details)
  }
  if (peer.match > 0 && (lag <= LEARNER_LAG_THRESHOLD || peer.keepsUp)) return null
  const round =
    roundMs === null
      ? 'has not finished a round of catching up'
      : `takes ${details.last_round_ms} ms for a round of catching up, which must be less than the shortest election timeout`
  const words = `node ${id} is ${lag} entries behind, more than ${LEARNER_LAG_THRESHOLD}, and ${round}: nothing was changed; try again`
  return new AspenError('LEARNER_NOT_READY', words, details)
}

/** Whether a leader has heard from a member within the shortest election timeout, over a link that is there. */
export function isAlive(raft: ReadinessCore, peers: Pick<Peers, 'isLinked'>, id: NodeId, withinMs: number): boolean {
  if (id === raft.id) return true
  const peer = raft.peer(id)
  return peer !== undefined && peers.isLinked(id) && peer.lastContactMs < withinMs
}

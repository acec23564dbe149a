/**
 * Leadership handed over because somebody asks for it. The leader takes no writes while it hands over, for an election timeout at the
 * most: so a voter that is not there, or far behind, is not even tried, and one that does not take over is tried once.
 */
import { AspenError } from '../../api/index.ts'
import type { NodeId, Timings } from '../../raft/index.ts'
import type { Peers } from '../peers/index.ts'
import type { TurnContext } from '../turn/index.ts'
import { isAlive, notReady } from './learner-readiness.ts'

export interface TransferRequest {
  readonly op: 'transfer-leadership'
  readonly nodeId: NodeId
}

type TransferCore =
  | 'id'
  | 'role'
  | 'leader'
  | 'membership'
  | 'lastLog'
  | 'peer'
  | 'transferring'
  | 'leaving'
  | 'transferLeadership'

export class LeadershipTransfer {
  readonly #context: TurnContext<'schedule', TransferCore>
  readonly #peers: Pick<Peers, 'isLinked'>
  readonly #timings: Timings

  constructor(context: TurnContext<'schedule', TransferCore>, peers: Pick<Peers, 'isLinked'>, timings: Timings) {
    this.#context = context
    this.#peers = peers
    this.#timings = timings
  }

  /** Whether it is done, and otherwise why it cannot be, or is not yet. @param tried whether this request was tried already */
  advance({ nodeId }: TransferRequest, tried: boolean): 'done' | 'trying' | 'waiting' | AspenError {
    const { raft, loop, logger } = this.#context
    if (raft.leader === nodeId) return 'done'
    // It stands for election, or another one leads who may be asked in its turn.
    if (raft.role !== 'leader') return raft.leader === null && tried ? 'waiting' : this.#notLeader()
    if (raft.transferring || raft.leaving) return 'waiting'
    const refusal = this.#refusal(nodeId)
    if (refusal !== null) return refusal
    if (tried) {
      const words = `node ${nodeId} did not take over within an election timeout: node ${raft.id} leads on; look at its disk and its links`
      return refused(nodeId, 'not_taken_over', words)
    }
    const obstacle = notReady(raft, this.#peers, nodeId)
    if (obstacle !== null) return refused(nodeId, 'not_ready', `leadership stays: ${obstacle.message}`, obstacle.details)
    if (!isAlive(raft, this.#peers, nodeId, this.#timings.electionTimeoutMinMs))
      return refused(nodeId, 'silent', `leadership stays: node ${nodeId} is linked, and has not answered for an election timeout`)
    raft.transferLeadership(nodeId)
    logger.log('info', 'leadership is handed over, as was asked', { to: nodeId })
    loop.schedule()
    return 'trying'
  }

  /** What no waiting cures. */
  #refusal(nodeId: NodeId): AspenError | null {
    const { voters, members } = this.#context.raft.membership
    if (voters.includes(nodeId)) return null
    if (!members.some(({ id }) => id === nodeId))
      return new AspenError('NODE_UNKNOWN', `node ${nodeId} is no member: it cannot lead`, { node_id: nodeId })
    const words = `node ${nodeId} is a learner, and only a voter can lead: promote it with POST /admin/promote-learner`
    return new AspenError('INVALID_REQUEST', words, { node_id: nodeId })
  }

  #notLeader(): AspenError {
    const { leader } = this.#context.raft
    return new AspenError('NOT_LEADER', 'this node does not lead any more', { leader })
  }
}

/** Whether a refusal may turn out otherwise before the deadline. */
export function isPassing(refusal: AspenError): boolean {
  const { reason } = refusal.details
  return reason === 'not_ready' || reason === 'silent'
}

function refused(nodeId: NodeId, reason: string, words: string, details: AspenError['details'] = {}): AspenError {
  return new AspenError('TRANSFER_REFUSED', words, { ...details, node_id: nodeId, reason })
}

/** The cluster as a node that is to rejoin it sees it: from outside, through the members it was told of. */
import { AspenError } from '../../api/index.ts'
import type { ClusterController, ClusterNode, ClusterState, KeyValueStore, NodeStatus } from '../../api/index.ts'
import { RejoinError } from '../identity/index.ts'

/** A member that runs, as it is reached from outside. */
export interface RejoinVia extends Pick<KeyValueStore, 'read'>, Pick<ClusterController, 'addLearner' | 'changeMembership'> {
  readonly url: string
  status(): Promise<NodeStatus>
}

/** What one member says, as of now. */
export interface ClusterView {
  readonly via: RejoinVia
  readonly leader: number
  readonly cluster: ClusterState
}

/** One answer of a member. */
export const ASK_TIMEOUT_MS = 5_000
/** Whether it exists does not matter: reading it takes a quorum, and the log up to now. */
export const ANY_KEY = 'rejoin'

export function memberOf(state: ClusterState, id: number): ClusterNode | undefined {
  return state.nodes.find((node) => node.id === id)
}

/** Ids for people. */
export function idList(ids: readonly number[]): string {
  return ids.length === 0 ? 'none' : ids.join(', ')
}

export class RejoinCluster {
  readonly #via: readonly RejoinVia[]

  /** Members are asked in this order. */
  constructor(via: readonly RejoinVia[]) {
    this.#via = via
  }

  /**
   * Who belongs to the cluster, from the first member that serves a linearizable read: so a quorum is up, and the
   * answer is no older than the question.
   * @throws AspenError NO_LEADER when there is none
   */
  async view(): Promise<ClusterView> {
    const reasons: string[] = []
    for (const via of this.#via) {
      try {
        await via.read(ANY_KEY, { timeoutMs: ASK_TIMEOUT_MS })
        const { leader, cluster } = await via.status()
        if (leader !== null) return { via, leader, cluster }
        reasons.push(`${via.url}: no leader is known there`)
      } catch (error) {
        if (!(error instanceof AspenError)) throw error
        reasons.push(`${via.url}: ${error.code}: ${error.message}`)
      }
    }
    throw new AspenError('NO_LEADER', reasons.join('; '))
  }

  /** @throws RejoinError when some member is linked with the key of `member` */
  async assertGone({ id, endpointId }: ClusterNode): Promise<void> {
    const answers = await Promise.allSettled(this.#via.map((via) => via.status()))
    for (const answer of answers) {
      if (answer.status === 'rejected') continue
      const { nodeId, peers } = answer.value
      if (nodeId !== id && !peers.some((peer) => peer.endpointId === endpointId && peer.connected)) continue
      throw new RejoinError(
        `node ${id} still runs under its old key (${nodeId === id ? 'it answers itself' : `node ${nodeId} is linked with it`}): stop it first`,
      )
    }
  }
}

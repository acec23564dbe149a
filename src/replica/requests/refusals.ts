/** What a replica says to those whom it cannot serve. */
import { AspenError, NEWCOMER_ADVICE } from '../../api/index.ts'
import type { Raft } from '../../raft/index.ts'

export function notInitialized(): AspenError {
  return new AspenError('NOT_INITIALIZED', `this node belongs to no cluster yet. ${NEWCOMER_ADVICE}`)
}

export function alreadyInitialized(clusterId: string | null): AspenError {
  return new AspenError(
    'ALREADY_INITIALIZED',
    `this node already belongs to cluster ${clusterId ?? 'unknown'}; nothing was changed`,
    { cluster_id: clusterId },
  )
}

/** Why a request that was never proposed came to its deadline. */
export function lateRequest({ leader, term, membership }: Pick<Raft, 'leader' | 'term' | 'membership'>): AspenError {
  if (leader !== null) {
    const words = `the leader, node ${leader}, could not confirm it before the deadline; nothing was changed`
    return new AspenError('DEADLINE_EXCEEDED', words, { leader, term })
  }
  return new AspenError(
    'NO_LEADER',
    `no leader is known in term ${term}: a majority of the voters must be reachable; nothing was changed`,
    { leader: null, term, voters: membership.voters },
  )
}

/** Why a replica serves nothing any more: somebody has stopped it, or it has stopped itself over `fault`. */
export function ended(fault: Error | null): AspenError {
  if (fault === null) return new AspenError('STOPPING', 'this node was stopped; start it again, or ask another one')
  return new AspenError('POISONED', `this node has stopped itself: ${fault.message}`)
}

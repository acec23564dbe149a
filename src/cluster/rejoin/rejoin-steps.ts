/**
 * From a new, empty node to a member that has everything. The old member is removed before the new key is added, so no
 * configuration ever has both; that takes no safety that the failed node has not taken already, for those that are
 * left needed each other before as well. Every step looks at what is there first, so that it can be repeated.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { AspenError } from '../../api/index.ts'
import type { ClusterNode } from '../../api/index.ts'
import type { AspenNode } from '../aspen-node.ts'
import { ANY_KEY, ASK_TIMEOUT_MS, idList, memberOf } from './rejoin-cluster.ts'
import type { ClusterView, RejoinCluster } from './rejoin-cluster.ts'
import { RejoinError } from '../identity/index.ts'
import type { RejoinRecord } from '../identity/index.ts'

const POLL_MS = 100
const LINK_TIMEOUT_MS = 60_000
/** For fetching everything: minutes for a full quota over a slow network. */
const FETCH_TIMEOUT_MS = 30 * 60_000
/** A change of the membership is answered when it is settled. */
const CHANGE_TIMEOUT_MS = 10_000

/** Refusals that pass, beside those that say so: links come up, changes settle, leaders change. */
const PASSING = new Set(['OUTCOME_UNKNOWN', 'NODE_UNKNOWN'])

export interface RejoinTask {
  readonly node: Pick<AspenNode, 'nodeId' | 'endpointId' | 'addPeer' | 'status' | 'read'>
  readonly record: RejoinRecord
  readonly cluster: RejoinCluster
  readonly say: (line: string) => void
  readonly signal: AbortSignal
  /** Between two looks, in milliseconds. */
  readonly pollMs?: number
}

/** Repeats `attempt` until it gives something or is refused for good. @throws RejoinError when time is up */
async function until<T>(
  { signal, pollMs = POLL_MS }: RejoinTask,
  timeoutMs: number,
  waitingFor: string,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + timeoutMs
  let obstacle = ''
  for (;;) {
    signal.throwIfAborted()
    try {
      const found = await attempt()
      if (found !== undefined) return found
    } catch (error) {
      if (!(error instanceof AspenError && (error.retryable || PASSING.has(error.code)))) throw error
      obstacle = ` (${error.code}: ${error.message})`
    }
    if (performance.now() > end) throw new RejoinError(`waited ${timeoutMs / 1000} s for ${waitingFor}${obstacle}`)
    await delay(pollMs)
  }
}

/** Names every member to the node. A link to the leader is also the proof that the cookie is right. */
async function linkWithLeader({ node, cluster }: RejoinTask): Promise<true> {
  const { leader, cluster: state } = await cluster.view()
  for (const { id, endpointId, addresses } of state.nodes) {
    if (id !== node.nodeId && addresses.length > 0) await node.addPeer({ nodeId: id, endpointId, addresses })
  }
  const endpointId = memberOf(state, leader)?.endpointId
  const { peers } = node.status()
  if (peers.some(({ lastError }) => lastError?.startsWith('COOKIE_MISMATCH') === true)) {
    throw new RejoinError(
      'the members refuse the cookie: give the one that they were started with, by --cookie-file or ASPEN_COOKIE, and run the command again. ' +
        'Nothing was changed in the cluster',
    )
  }
  const peer = peers.find((one) => one.endpointId === endpointId)
  if (peer?.connected === true) return true
  throw new AspenError('NODE_UNKNOWN', `node ${leader}: ${peer?.lastError ?? 'not linked yet'}`)
}

async function removeOld({ node, cluster, record, say }: RejoinTask, view: ClusterView, member: ClusterNode): Promise<void> {
  const id = node.nodeId
  if (member.endpointId !== record.oldEndpointId) {
    throw new RejoinError(
      `somebody else has replaced node ${id} meanwhile: its key is ${member.endpointId} now, and was ${record.oldEndpointId}; ` +
        `if this is not what you want, move the data directory away and begin again`,
    )
  }
  await cluster.assertGone(member)
  const others = (ids: readonly number[]): number[] => ids.filter((one) => one !== id)
  const change = { members: others(view.cluster.members), learners: others(view.cluster.learners) }
  const { members } = await view.via.changeMembership(change, { timeoutMs: CHANGE_TIMEOUT_MS })
  const quorum = Math.floor(members.length / 2) + 1
  say(
    `the old node ${id}, key ${record.oldEndpointId}, is removed and can never vote again: voters ${idList(members)}. ` +
      `Until node ${id} votes again ${quorum} of these ${members.length} must be up`,
  )
}

/** One change towards membership; true once there is nothing left to do. */
async function step(task: RejoinTask): Promise<true | undefined> {
  const { node, record, say } = task
  const view = await task.cluster.view()
  const { via, cluster } = view
  const id = node.nodeId
  const member = memberOf(cluster, id)
  const options = { timeoutMs: CHANGE_TIMEOUT_MS }
  if (member === undefined) {
    const { members } = await via.addLearner(id, node.endpointId, options)
    say(`node ${id} is a learner and fetches everything from its peers: voters ${idList(members)}`)
  } else if (member.endpointId !== node.endpointId) {
    await removeOld(task, view, member)
  } else if (record.role === 'voter' && !cluster.members.includes(id)) {
    const { members } = await via.changeMembership({ members: [...cluster.members, id] }, options)
    say(`node ${id} has caught up and votes: voters ${idList(members)}`)
  } else {
    // What a member says of itself may yet be undone; adding what is there already is answered from what is committed.
    const { members } = await via.addLearner(id, node.endpointId, options)
    if (record.role === 'learner' || members.includes(id)) return true
  }
  return undefined
}

/** Resolves when the node is what its record says, and has applied all that was committed by then. */
export async function rejoinCluster(task: RejoinTask): Promise<void> {
  const { node, record, say } = task
  // Before anything is taken away from the cluster it must be certain that this node can reach it.
  await until(task, LINK_TIMEOUT_MS, 'a link to the leader', () => linkWithLeader(task))
  say(`linked with the leader under the new key ${node.endpointId}`)
  await until(task, FETCH_TIMEOUT_MS, `node ${node.nodeId} to be a ${record.role} again`, () => step(task))
  await until(task, FETCH_TIMEOUT_MS, `everything that is committed`, async () => {
    await node.read(ANY_KEY, { timeoutMs: ASK_TIMEOUT_MS })
    return true
  })
}

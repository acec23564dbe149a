/** From running nodes to a cluster in which all of them vote. Every step looks at what is there first, so it can be repeated. */
import { setTimeout as delay } from 'node:timers/promises'
import { errorOf, request } from './http-json.ts'
import type { Answer } from './http-json.ts'

export interface Member {
  readonly nodeId: number
  readonly url: string
}

export interface Formation {
  /** Milliseconds for everything together. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

interface NodeInfo {
  readonly node_id: number
  readonly endpoint_id: string
  readonly addresses: readonly string[]
  readonly initialized: boolean
}

interface RaftMetrics {
  readonly leader: number | null
  readonly cluster: { readonly members: readonly number[]; readonly learners: readonly number[] }
}

const POLL_MS = 25

/** Refusals that pass as links come up, logs catch up and leaders change. */
const PASSING = new Set(['NODE_UNKNOWN', 'OUTCOME_UNKNOWN', 'ALREADY_INITIALIZED'])

/** Repeats `attempt` until it gives something; `waitingFor` says what it is that does not come. */
async function until<T>(formation: Formation, waitingFor: () => string, attempt: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + formation.timeoutMs
  let failure = ''
  for (;;) {
    formation.signal.throwIfAborted()
    const found = await attempt().catch((error: unknown) => {
      // A node that does not answer yet; anything else is an answer.
      if (error instanceof FormationError) throw error
      failure = `: ${String(error)}`
      return undefined
    })
    if (found !== undefined) return found
    if (performance.now() > end) throw new FormationError(`waited ${formation.timeoutMs} ms for ${waitingFor()}${failure}`)
    await delay(POLL_MS, undefined, { signal: formation.signal })
  }
}

/** The cluster did not come about. */
export class FormationError extends Error {
  override readonly name = 'FormationError'
}

const get = (member: Member, path: string, signal: AbortSignal): Promise<Answer> =>
  request('GET', member.url + path, undefined, signal)

async function describe<T>(member: Member, path: string, signal: AbortSignal): Promise<T> {
  const answer = await get(member, path, signal)
  const error = errorOf(answer)
  if (error !== undefined) throw new Error(`GET ${path} of node ${member.nodeId}: ${error.code}: ${error.message}`)
  return answer.body as T
}

/** Sends a change; what may pass is left to the next round. */
async function change(member: Member, path: string, body: object, signal: AbortSignal): Promise<void> {
  const error = errorOf(await request('POST', member.url + path, body, signal))
  if (error === undefined || error.retryable || PASSING.has(error.code)) return
  throw new FormationError(`POST ${path} ${JSON.stringify(body)} to node ${member.nodeId}: ${error.code}: ${error.message}`)
}

/** Waits until every node answers. */
export async function waitForNodes(members: readonly Member[], formation: Formation): Promise<void> {
  await Promise.all(
    members.map((member) =>
      until(
        formation,
        () => `node ${member.nodeId} to answer`,
        async () => ((await get(member, '/health', formation.signal)).status > 0 ? true : undefined),
      ),
    ),
  )
}

/** Tells every node where the others are, for nodes that could not be told when they were started. */
export async function introduceNodes(members: readonly Member[], { signal }: Formation): Promise<void> {
  const infos = await Promise.all(members.map((member) => describe<NodeInfo>(member, '/node-info', signal)))
  for (const member of members) {
    for (const { node_id, endpoint_id, addresses } of infos) {
      if (node_id === member.nodeId) continue
      const body = { node_id, endpoint_id, addresses, relay: null }
      const error = errorOf(await request('POST', `${member.url}/add-peer`, body, signal))
      if (error !== undefined)
        throw new FormationError(`POST /add-peer to node ${member.nodeId}: ${error.code}: ${error.message}`)
    }
  }
}

/** One step towards a cluster in which all vote; the leader once there is nothing left to do. */
async function step(members: readonly Member[], via: Member, signal: AbortSignal): Promise<number | undefined> {
  const { leader, cluster } = await describe<RaftMetrics>(via, '/raft-metrics', signal)
  if (leader === null) return undefined
  const ids = members.map(({ nodeId }) => nodeId)
  const absent = ids.filter((id) => !cluster.members.includes(id))
  if (absent.length === 0) return leader
  const stranger = absent.find((id) => !cluster.learners.includes(id))
  if (stranger !== undefined) await change(via, '/add-learner', { node_id: stranger }, signal)
  else await change(via, '/change-membership', { members: [...new Set([...cluster.members, ...ids])] }, signal)
  return undefined
}

/** Whether the node serves: it knows a leader and belongs to a cluster. */
async function isReady(member: Member, signal: AbortSignal): Promise<true | undefined> {
  const { ready } = await describe<{ readonly ready: boolean }>(member, '/health', signal)
  return ready ? true : undefined
}

/**
 * Founds a cluster unless there is one, and makes every node a voter of it.
 * @returns the leader's id
 * @throws FormationError when a node refuses for good, or time is up
 */
export async function formCluster(members: readonly Member[], formation: Formation): Promise<number> {
  const { signal } = formation
  const [first] = members as [Member, ...Member[]]
  const infos = await Promise.all(members.map((member) => describe<NodeInfo>(member, '/node-info', signal)))
  if (!infos.some(({ initialized }) => initialized)) await change(first, '/init', { members: [first.nodeId] }, signal)
  // A node that has been in a cluster knows who else is; one that has not cannot tell yet.
  const via = members.find((_, index) => infos[index]?.initialized === true) ?? first
  const leader = await until(
    formation,
    () => 'all nodes to be voters',
    () => step(members, via, signal),
  )
  await Promise.all(
    members.map((member) =>
      until(
        formation,
        () => `node ${member.nodeId} to be ready`,
        () => isReady(member, signal),
      ),
    ),
  )
  return leader
}

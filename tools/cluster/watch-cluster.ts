/** Looks at the nodes of a cluster again and again, and says what has happened to it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Member } from './form-cluster.ts'
import { request } from './http-json.ts'
import { newsBetween } from './news.ts'
import type { ClusterLook, NodeLook } from './news.ts'

const LOOK_INTERVAL_MS = 1_000

interface RaftMetrics {
  readonly leader: number | null
  readonly term: number
  readonly actors: readonly { readonly path: string; readonly restarts: number }[]
}

async function lookAt(url: string, signal: AbortSignal): Promise<NodeLook | null> {
  try {
    const { status, body } = await request('GET', `${url}/raft-metrics`, undefined, signal)
    if (status !== 200) return null
    const { leader, term, actors } = body as RaftMetrics
    return { leader, term, restarts: new Map(actors.map(({ path, restarts }) => [path, restarts])) }
  } catch {
    // It does not answer: that is what is looked for.
    return null
  }
}

async function look(members: readonly Member[], signal: AbortSignal): Promise<ClusterLook> {
  const looks = members.map(async ({ nodeId, url }) => [nodeId, await lookAt(url, signal)] as const)
  return new Map(await Promise.all(looks))
}

/** Until `signal` is aborted. */
export async function watchCluster(members: readonly Member[], signal: AbortSignal, tell: (line: string) => void): Promise<void> {
  let before = await look(members, signal)
  for (;;) {
    await delay(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => undefined)
    const after = await look(members, signal)
    if (signal.aborted) return
    for (const line of newsBetween(before, after)) tell(line)
    before = after
  }
}

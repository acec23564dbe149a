/** What nodes say of themselves, and waiting for it. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { errorOf, request } from '../../tools/cluster/http-json.ts'

export interface Status {
  readonly leader: number | null
  readonly role: string
  readonly applied_index: number
  readonly commit_index: number
  readonly last_log_index: number
  readonly purged_index: number
  readonly snapshot_index: number
  readonly log_bytes: number
  readonly keys: number
  readonly state_bytes: number
  readonly elections_started: number
  readonly snapshots_sent: number
  readonly snapshots_installed: number
}

const POLL_MS = 20

export async function statusOf(url: string): Promise<Status> {
  const answer = await request('GET', `${url}/raft-metrics`)
  const error = errorOf(answer)
  assert.equal(error, undefined, `${url}/raft-metrics: ${error?.code} ${error?.message}`)
  return answer.body as Status
}

/** Polls until `probe` gives something; fails with `what` when it does not within `timeoutMs`. */
export async function until<T>(what: string, timeoutMs: number, probe: () => Promise<T | undefined | false>): Promise<T> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    assert.ok(performance.now() < end, `waited ${timeoutMs} ms for ${what}`)
    await delay(POLL_MS)
  }
}

export interface Counted {
  readonly keys: number
  readonly stateBytes: number
}

/** What nodes have in their state, once all have applied the same entries and nothing is under way. */
export async function sameState(urls: readonly string[], timeoutMs: number): Promise<Counted> {
  return until('the nodes to have applied the same', timeoutMs, async () => {
    const [first, ...others] = (await Promise.all(urls.map(statusOf))) as [Status, ...Status[]]
    const settled = first.applied_index === first.last_log_index
    if (!settled || others.some((other) => other.applied_index !== first.applied_index)) return undefined
    const counted = { keys: first.keys, stateBytes: first.state_bytes }
    for (const other of others) assert.deepEqual({ keys: other.keys, stateBytes: other.state_bytes }, counted)
    return counted
  })
}

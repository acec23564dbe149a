/** What the tests of bad disks ask of a node over HTTP. */
import assert from 'node:assert/strict'
import { errorOf, request } from '../../tools/cluster/http-json.ts'

export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** Undefined when the write was acknowledged. */
export async function put(url: string, key: string, value: string): Promise<Refusal | undefined> {
  return post(`${url}/write`, { command: { Set: { key, value } } })
}

export async function remove(url: string, key: string): Promise<Refusal | undefined> {
  return post(`${url}/write`, { command: { Delete: { key } } })
}

export async function post(url: string, body: object): Promise<Refusal | undefined> {
  const answer = await request('POST', url, body)
  const error = errorOf(answer)
  return error === undefined ? undefined : { status: answer.status, code: error.code, message: error.message }
}

/** The value, or undefined when there is none. */
export async function get(url: string, key: string): Promise<string | undefined> {
  const answer = await request('POST', `${url}/read`, { key })
  if (errorOf(answer)?.code === 'KEY_NOT_FOUND') return undefined
  assert.equal(answer.status, 200, `reading ${key}: ${JSON.stringify(answer.body)}`)
  return (answer.body as { readonly value: string }).value
}

export interface Health {
  readonly status: string
  readonly ready: boolean
  readonly leader: number | null
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>
}

/** Undefined when the node does not answer. */
export async function health(url: string): Promise<Health | undefined> {
  return request('GET', `${url}/health`).then(
    ({ body }) => body as Health,
    () => undefined,
  )
}

export interface RaftFacts {
  readonly term: number
  readonly leader: number | null
  readonly applied_index: number
  readonly elections_started: number
  readonly log_bytes: number
}

export async function raftFacts(url: string): Promise<RaftFacts> {
  return (await request('GET', `${url}/raft-metrics`)).body as RaftFacts
}

/** The value of a metric without labels. */
export async function metric(url: string, name: string): Promise<number> {
  const text = String((await request('GET', `${url}/metrics`)).body)
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

/** Every acknowledged write is there, at every node: what is promised, whatever the disk did. */
export async function assertKept(urls: readonly string[], acknowledged: ReadonlyMap<string, string>): Promise<void> {
  for (const url of urls) {
    for (const [key, value] of acknowledged) assert.equal(await get(url, key), value, `${key} at ${url}`)
  }
}

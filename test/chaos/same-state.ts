/** What every node holds, as its own clients see it. */
import assert from 'node:assert/strict'
import { connectHttp } from '../../src/client/index.ts'
import type { ScanPage } from '../../src/client/index.ts'
import type { FleetNode } from './fleet.ts'

const MAX_PAGES = 1_000
const PAGE_LIMIT = 1_000
const TIMEOUT_MS = 10_000

export interface Entry {
  readonly value: string
  readonly createRevision: number
  readonly modRevision: number
  readonly version: number
}

/** Every entry by its key: its value, and where and how often it was written. Pages to the end. */
export async function stateOf(url: string): Promise<ReadonlyMap<string, Entry>> {
  const client = connectHttp(url, { timeoutMs: TIMEOUT_MS })
  const text = new TextDecoder()
  const state = new Map<string, Entry>()
  try {
    let token: string | null = null
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const page: ScanPage = await client.scan({ prefix: '', limit: PAGE_LIMIT, ...(token === null ? {} : { token }) })
      for (const { key, value, createRevision, modRevision, version } of page.entries) {
        state.set(text.decode(key), { value: text.decode(value), createRevision, modRevision, version })
      }
      token = page.token
      if (token === null) return state
    }
    throw new Error(`${url} has more than ${MAX_PAGES} pages of keys: this comparison is for small states`)
  } finally {
    client.close()
  }
}

/** Asserts that all of them hold the same, and returns it. Nobody may write meanwhile. */
export async function assertSameState(nodes: readonly FleetNode[]): Promise<ReadonlyMap<string, Entry>> {
  const [first, ...others] = nodes
  assert.ok(first !== undefined)
  const state = await stateOf(first.url)
  for (const { id, url } of others) {
    const theirs = await stateOf(url)
    for (const [key, entry] of state) {
      assert.deepEqual(theirs.get(key), entry, `node ${id} does not hold ${key} as node ${first.id} does`)
    }
    const extra = [...theirs.keys()].find((key) => !state.has(key))
    assert.equal(extra, undefined, `node ${id} holds ${extra}, which node ${first.id} does not`)
  }
  return state
}

/** Asserts that every acknowledged write to a key of its own is there, and was done once. */
export function assertKept(state: ReadonlyMap<string, Entry>, acknowledged: ReadonlyMap<string, string>): void {
  for (const [key, value] of acknowledged) {
    const entry = state.get(key)
    assert.ok(entry !== undefined, `the acknowledged write of ${key} is lost`)
    assert.equal(entry.value, value, `${key} does not hold what was acknowledged`)
    assert.equal(entry.version, 1, `the write of ${key} was done ${entry.version} times`)
  }
}

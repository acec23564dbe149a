/**
 * Clients that write and read at random and record all they did: what was acknowledged must be on every node in the end,
 * and what was read and written on each shared key must be the history of one register.
 */
import assert from 'node:assert/strict'
import { AspenError } from '../../src/api/index.ts'
import type { KeyValueStore } from '../../src/api/index.ts'
import { chance, pick, randomBetween } from '../../src/lib/index.ts'
import type { AspenRouter } from '../../src/testing/index.ts'
import { checkLinearizable } from '../linearizability/index.ts'
import type { Outcome, RecordedOperation } from '../linearizability/index.ts'
import { readText, set } from './requests.ts'

export interface RecordingClientsOptions {
  readonly clients: number
  /** Keys that all clients use. Three when absent. */
  readonly sharedKeys?: readonly string[]
  /** The longest pause between two requests of a client, in virtual milliseconds. 10 when absent. */
  readonly pauseMs?: number
}

const SHARED_KEYS = ['x', 'y', 'z']
const REQUEST_TIMEOUT_MS = 1_000
const OWN_KEYS = 0.3
const READS = 0.5
const DELETES = 0.1

type Asked = Pick<RecordedOperation, 'key' | 'client' | 'type' | 'value'>

export class RecordingClients {
  /** What was done to the shared keys. */
  readonly history: RecordedOperation[] = []
  /** Keys that are written once, and acknowledged, with their values. */
  readonly acknowledged = new Map<string, string>()
  readonly #router: AspenRouter
  readonly #options: RecordingClientsOptions
  #going = false
  #values = 0
  #loops: Promise<unknown> = Promise.resolve()

  constructor(router: AspenRouter, options: RecordingClientsOptions) {
    this.#router = router
    this.#options = options
  }

  start(): void {
    this.#going = true
    const loops = Array.from({ length: this.#options.clients }, (_, i) => this.#loop(i, this.#router.client()))
    this.#loops = Promise.all(loops)
    // What went wrong is told by `stop`.
    this.#loops.catch(() => undefined)
  }

  /** Resolves when every client has its last answer. @throws what a request failed with, if that is no matter of luck */
  async stop(): Promise<void> {
    this.#going = false
    await this.#loops
  }

  /** Demands that all members that run hold what was acknowledged, and that the history is that of registers. */
  verify(): void {
    const running = this.#router.members.filter((id) => this.#router.isRunning(id))
    for (const id of running) {
      const contents = this.#router.contents(id)
      const lost = [...this.acknowledged].filter(([key, value]) => contents.get(key) !== value)
      assert.deepEqual(lost, [], `acknowledged, and not on node ${id}`)
    }
    assert.ok(this.acknowledged.size > 0 && this.history.some(({ outcome }) => outcome === 'ok'), 'nothing was done')
    const verdict = checkLinearizable(this.history)
    assert.ok(verdict.ok, verdict.ok ? '' : verdict.report)
  }

  async #loop(client: number, store: KeyValueStore): Promise<void> {
    const { random } = this.#router
    const { sharedKeys = SHARED_KEYS, pauseMs = 10 } = this.#options
    while (this.#going) {
      if (chance(random, OWN_KEYS)) await this.#writeOwn(client, store)
      else if (chance(random, READS)) await this.#read(client, store, pick(random, sharedKeys))
      else await this.#write(client, store, pick(random, sharedKeys))
      await this.#router.sleep(randomBetween(random, 0, pauseMs))
    }
  }

  async #writeOwn(client: number, store: KeyValueStore): Promise<void> {
    const value = String(++this.#values)
    const key = `own/${client}/${value}`
    const write = store.write(set(key, value), { timeoutMs: REQUEST_TIMEOUT_MS })
    if ((await outcomeOf(write)) === 'ok') this.acknowledged.set(key, value)
  }

  async #read(client: number, store: KeyValueStore, key: string): Promise<void> {
    await this.#record({ key, client, type: 'read', value: null }, async (saw) => {
      saw((await readText({ read: () => store.read(key, { timeoutMs: REQUEST_TIMEOUT_MS }) }, key)) ?? null)
    })
  }

  async #write(client: number, store: KeyValueStore, key: string): Promise<void> {
    const value = chance(this.#router.random, DELETES) ? null : String(++this.#values)
    const command = value === null ? { Delete: { key } } : set(key, value)
    await this.#record({ key, client, type: value === null ? 'delete' : 'write', value }, () =>
      store.write(command, { timeoutMs: REQUEST_TIMEOUT_MS }),
    )
  }

  async #record(asked: Asked, run: (saw: (value: string | null) => void) => Promise<unknown>): Promise<void> {
    const start = this.#router.now
    let { value } = asked
    const outcome = await outcomeOf(run((seen) => (value = seen)))
    this.history.push({ ...asked, value, start, end: this.#router.now, outcome })
  }
}

async function outcomeOf(request: Promise<unknown>): Promise<Outcome> {
  try {
    await request
    return 'ok'
  } catch (error) {
    if (error instanceof AspenError && error.retryable) return 'failed'
    if (error instanceof AspenError && error.code === 'OUTCOME_UNKNOWN') return 'unknown'
    throw error
  }
}

/** Clients over HTTP: contended keys, unique values, any node, and a record of all they did. */
import { setTimeout as delay } from 'node:timers/promises'
import { Prng, chance, pick, randomBetween } from '../../src/lib/index.ts'
import { errorOf, request } from '../../tools/cluster/http-json.ts'
import type { Answer } from '../../tools/cluster/http-json.ts'
import type { Outcome, RecordedOperation } from '../linearizability/index.ts'
import { lengthMs, longestGap } from './gaps.ts'

export interface LoadOptions {
  readonly urls: readonly string[]
  readonly clients: number
  readonly keys: readonly string[]
  readonly seed: number
  /** How long a client waits for a node before it goes to another one; as long as the request allows when absent. */
  readonly patienceMs?: number
}

/** Errors that say the request never reached the node. */
const NEVER_SENT = new Set(['ECONNREFUSED'])

function outcomeOf(error: unknown): Outcome {
  const { cause } = error as { readonly cause?: { readonly code?: string } }
  return NEVER_SENT.has(cause?.code ?? '') ? 'failed' : 'unknown'
}

type OpenOperation = Omit<RecordedOperation, 'end' | 'outcome'>

export class Load {
  readonly counts: Record<Outcome, number> = { ok: 0, failed: 0, unknown: 0 }
  /** When acknowledgements of writes arrived. */
  readonly acknowledged: number[] = []
  readonly #options: LoadOptions
  readonly #random: Prng
  readonly #ended: RecordedOperation[] = []
  readonly #open = new Set<OpenOperation>()
  #values = 0
  #running = false
  #clients: Promise<void>[] = []

  constructor(options: LoadOptions) {
    this.#options = options
    this.#random = new Prng(options.seed)
  }

  start(): void {
    this.#running = true
    this.#clients = Array.from({ length: this.#options.clients }, (_, client) => this.#loop(client))
  }

  /** Resolves when every client has heard, or given up waiting. */
  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#clients)
  }

  /** What was asked by now. What is on its way may have taken effect, and others may have seen it. */
  get history(): RecordedOperation[] {
    const end = performance.now()
    return [...this.#ended, ...Array.from(this.#open, (open): RecordedOperation => ({ ...open, end, outcome: 'unknown' }))]
  }

  /** The longest time in which no write was acknowledged, in milliseconds. */
  get longestGapMs(): number {
    const { acknowledged } = this
    return lengthMs(longestGap(acknowledged, acknowledged[0] ?? 0, acknowledged.at(-1) ?? 0))
  }

  async read(client: number, url: string, key: string): Promise<boolean> {
    const outcome = await this.#record({ key, client, type: 'read', value: null }, async () => {
      const answer = await this.#post(`${url}/read`, { key })
      if (errorOf(answer)?.code === 'KEY_NOT_FOUND') return { outcome: 'ok', value: null }
      if (answer.status === 200) return { outcome: 'ok', value: (answer.body as { readonly value: string }).value }
      return { outcome: 'failed', value: null }
    })
    return outcome === 'ok'
  }

  async #loop(client: number): Promise<void> {
    const { urls, keys } = this.#options
    while (this.#running) {
      const url = pick(this.#random, urls)
      const key = pick(this.#random, keys)
      if (chance(this.#random, 0.4)) await this.read(client, url, key)
      else await this.#write(client, url, key)
      await delay(randomBetween(this.#random, 0, 10))
    }
  }

  async #write(client: number, url: string, key: string): Promise<void> {
    const value = chance(this.#random, 0.05) ? null : `${client}.${++this.#values}`
    const command = value === null ? { Delete: { key } } : { Set: { key, value } }
    const outcome = await this.#record({ key, client, type: value === null ? 'delete' : 'write', value }, async () => {
      const answer: Answer = await this.#post(`${url}/write`, { command })
      const error = errorOf(answer)
      return { outcome: error === undefined ? 'ok' : error.retryable ? 'failed' : 'unknown', value }
    })
    if (outcome === 'ok') this.acknowledged.push(performance.now())
  }

  #post(url: string, body: object): Promise<Answer> {
    const { patienceMs } = this.#options
    return request('POST', url, body, patienceMs === undefined ? undefined : AbortSignal.timeout(patienceMs))
  }

  async #record(
    operation: Omit<OpenOperation, 'start'>,
    run: () => Promise<{ outcome: Outcome; value: string | null }>,
  ): Promise<Outcome> {
    const open = { ...operation, start: performance.now() }
    this.#open.add(open)
    const { outcome, value } = await run().catch((error: unknown) => ({ outcome: outcomeOf(error), value: operation.value }))
    this.counts[outcome]++
    this.#open.delete(open)
    this.#ended.push({ ...open, value, end: performance.now(), outcome })
    return outcome
  }
}

/**
 * Clients as a careful program writes them: each keeps one request in flight, names every write by an origin so that it
 * may be sent again, and leaves the sending again to `connectHttp`.
 */
import { randomUUID } from 'node:crypto'
import { connectHttp } from '../../src/client/index.ts'
import type { AspenHttpClient } from '../../src/client/index.ts'

const TIMEOUT_MS = 10_000
const MAX_FAILURES_KEPT = 1_000

export interface RetryingClientsOptions {
  readonly urls: readonly string[]
  readonly clients: number
  /** Every write to a key of its own, so that one which is lost, or done twice, shows; else one key for each client. */
  readonly distinctKeys: boolean
  /** Each write is read back before the next. */
  readonly readBack: boolean
}

export class RetryingClients {
  /** What requests failed with, and what was read that should not have been, in words. */
  readonly failures: string[] = []
  /** When acknowledgements of writes arrived. */
  readonly acknowledged: number[] = []
  /** The last acknowledged value of each key. */
  readonly values = new Map<string, string>()
  readonly #options: RetryingClientsOptions
  #running = false
  #clients: Promise<void>[] = []

  constructor(options: RetryingClientsOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = true
    this.#clients = Array.from({ length: this.#options.clients }, (_, client) => this.#run(client))
  }

  /** Resolves when every client has its last answer. */
  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#clients)
  }

  async #run(number: number): Promise<void> {
    const { urls, distinctKeys, readBack } = this.#options
    // Every client has another node that it asks first.
    const first = number % urls.length
    const client = connectHttp([...urls.slice(first), ...urls.slice(0, first)], { timeoutMs: TIMEOUT_MS })
    const id = `client-${number}-${randomUUID()}`
    try {
      let sequence = 0
      while (this.#running) {
        sequence++
        const key = distinctKeys ? `${id}.${sequence}` : id
        await this.#attempt(`write ${key}`, () => this.#write(client, key, id, sequence))
        if (readBack) await this.#attempt(`read ${key}`, () => this.#read(client, key))
      }
    } finally {
      client.close()
    }
  }

  async #attempt(what: string, run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      if (this.failures.length < MAX_FAILURES_KEPT) this.failures.push(`${what}: ${String(error)}`)
    }
  }

  async #write(client: AspenHttpClient, key: string, id: string, sequence: number): Promise<void> {
    const value = `${id}.${sequence}`
    await client.write({ Set: { key, value } }, { origin: { client: id, sequence } })
    this.acknowledged.push(performance.now())
    this.values.set(key, value)
  }

  async #read(client: AspenHttpClient, key: string): Promise<void> {
    const expected = this.values.get(key)
    const entry = await client.read(key)
    const found = entry === undefined ? undefined : new TextDecoder().decode(entry.value)
    // A write that failed may or may not have been done: then there is nothing to expect.
    if (expected !== undefined && found !== expected) throw new Error(`found ${found}, wrote ${expected}`)
  }
}

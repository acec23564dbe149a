/** Everything clients do, to all nodes in turn, at a rate: sets, gets, scans, deletes, transactions, and hanging up. */
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Prng, chance, pick, randomBetween } from '../../src/lib/index.ts'

const KEYS = 2_000
const MAX_VALUE_BYTES = 1_024
const KEYS_A_BATCH = 10
/** Clients that wait for answers; more requests than these are never under way. */
const CLIENTS = 32
const REQUEST_TIMEOUT_MS = 10_000
const HANG_UP_SHARE = 0.02

interface Operation {
  readonly path: string
  readonly body: object
}

export class MixedLoad {
  readonly counts = { ok: 0, refused: 0, failed: 0, hungUp: 0 }
  readonly #urls: readonly string[]
  readonly #random: Prng
  readonly #pauseMs: number
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  #running = false
  #clients: Promise<void>[] = []

  /** `rate` is of requests a second, all clients together. */
  constructor(urls: readonly string[], rate: number, seed: number) {
    this.#urls = urls
    this.#random = new Prng(seed)
    this.#pauseMs = (1000 * CLIENTS) / rate
  }

  start(): void {
    this.#running = true
    this.#clients = Array.from({ length: CLIENTS }, (_, i) => this.#client(i))
  }

  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#clients)
    this.#agent.destroy()
  }

  async #client(index: number): Promise<void> {
    let next = performance.now() + (this.#pauseMs * index) / CLIENTS
    while (this.#running) {
      const wait = next - performance.now()
      if (wait > 0) await delay(wait)
      // A client that is late goes on from now: a pause of the cluster is not followed by a flood.
      next = Math.max(next, performance.now() - this.#pauseMs) + this.#pauseMs
      await this.#send(this.#draw())
    }
  }

  #key(): string {
    return `key-${randomBetween(this.#random, 0, KEYS - 1)}`
  }

  #value(): string {
    return 'v'.repeat(randomBetween(this.#random, 1, MAX_VALUE_BYTES))
  }

  #draw(): Operation {
    const draws: readonly (() => Operation)[] = [
      () => write({ Set: { key: this.#key(), value: this.#value() } }),
      () => write({ Set: { key: this.#key(), value: this.#value() } }),
      () => write({ Delete: { key: this.#key() } }),
      () => write({ SetMulti: { pairs: Array.from({ length: KEYS_A_BATCH }, () => [this.#key(), this.#value()]) } }),
      () => write({ DeleteMulti: { keys: Array.from({ length: KEYS_A_BATCH }, () => this.#key()) } }),
      () => this.#transaction(),
      () => ({ path: '/read', body: { key: this.#key() } }),
      () => ({ path: '/read', body: { key: this.#key(), metadata: true } }),
      () => ({ path: '/scan', body: { prefix: 'key-1', limit: 50 } }),
    ]
    return pick(this.#random, draws)()
  }

  #transaction(): Operation {
    const key = this.#key()
    return write({
      Txn: { compare: [{ key, absent: true }], then: [{ Set: { key, value: this.#value() } }], else: [{ Get: { key } }] },
    })
  }

  async #send({ path, body }: Operation): Promise<void> {
    const url = `${pick(this.#random, this.#urls)}${path}`
    const hangUp = chance(this.#random, HANG_UP_SHARE)
    const { promise, resolve } = Promise.withResolvers<number>()
    const options = {
      method: 'POST',
      agent: this.#agent,
      headers: { 'content-type': 'application/json' },
      timeout: REQUEST_TIMEOUT_MS,
    }
    const sent = request(url, options, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0))
      answer.on('error', () => resolve(0))
    })
    sent.on('timeout', () => sent.destroy())
    sent.on('error', () => resolve(0))
    sent.end(JSON.stringify(body), () => {
      if (hangUp) sent.destroy()
    })
    this.#count(await promise, hangUp)
  }

  #count(status: number, hungUp: boolean): void {
    if (hungUp) this.counts.hungUp++
    else if (status === 0) this.counts.failed++
    else if (status === 200 || status === 404) this.counts.ok++
    else this.counts.refused++
  }
}

function write(command: object): Operation {
  return { path: '/write', body: { command } }
}

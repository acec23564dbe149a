/** Clients for tests of large states: they fill a store quickly, or write at a steady rate and time every write. */
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

const CONNECTIONS = 64
const REQUEST_TIMEOUT_MS = 30_000

export interface Reply {
  readonly status: number
  readonly text: string
}

/** One HTTP client that keeps its connections. Close it, or the process stays. */
export class KeepAliveClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })

  post(url: string, body: object): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const payload = JSON.stringify(body)
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
    const sent = request(url, { method: 'POST', agent: this.#agent, headers, timeout: REQUEST_TIMEOUT_MS }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    })
    sent.on('timeout', () => sent.destroy(new Error(`${url} did not answer within ${REQUEST_TIMEOUT_MS} ms`)))
    sent.on('error', reject)
    sent.end(payload)
    return promise
  }

  close(): void {
    this.#agent.destroy()
  }
}

export interface Fill {
  readonly url: string
  readonly keys: number
  readonly valueSize: number
  /** Keys in one command. */
  readonly perCommand: number
  /** What the keys begin with. */
  readonly prefix: string
}

export function fillKey(prefix: string, i: number): string {
  return `${prefix}${String(i).padStart(8, '0')}`
}

/** Writes keys `prefix00000000` and on, as many clients at once as there are connections. @throws Error at the first refusal */
export async function fillStore(client: KeepAliveClient, { url, keys, valueSize, perCommand, prefix }: Fill): Promise<void> {
  const value = 'v'.repeat(valueSize)
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < keys) {
      const first = next
      next = Math.min(keys, next + perCommand)
      const pairs = Array.from({ length: next - first }, (_, i) => [fillKey(prefix, first + i), value])
      const { status, text } = await client.post(`${url}/write`, { command: { SetMulti: { pairs } } })
      if (status !== 200) throw new Error(`filling stopped at key ${first}: ${status} ${text}`)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, () => writer()))
  // A read waits for the state, which an acknowledgement need not do.
  const { status } = await client.post(`${url}/read`, { key: fillKey(prefix, keys - 1) })
  if (status !== 200) throw new Error(`what was written last cannot be read: ${status}`)
}

export interface TimedWrite {
  /** When it was due, a time of `performance.now()`. */
  readonly at: number
  readonly latencyMs: number
}

/** How often it is looked which writes are due. */
const TICK_MS = 1

/**
 * Writes small values at a steady rate whatever the answers do. A write counts from when it was due, so that a stall
 * shows in all writes that it held up, those that could not be sent included.
 */
export class SteadyWrites {
  readonly done: TimedWrite[] = []
  readonly refusals: string[] = []
  readonly #client: KeepAliveClient
  readonly #url: string
  readonly #intervalMs: number
  readonly #value = 's'.repeat(100)
  #running = false
  #loop: Promise<void> = Promise.resolve()

  constructor(client: KeepAliveClient, url: string, perSecond: number) {
    this.#client = client
    this.#url = url
    this.#intervalMs = 1000 / perSecond
  }

  start(): void {
    this.#running = true
    this.#loop = this.#run()
  }

  /** Resolves when every write is answered. */
  async stop(): Promise<void> {
    this.#running = false
    await this.#loop
  }

  async #run(): Promise<void> {
    const underWay = new Set<Promise<void>>()
    const from = performance.now()
    let count = 0
    while (this.#running) {
      const now = performance.now()
      for (let due = from + count * this.#intervalMs; due <= now; due = from + ++count * this.#intervalMs) {
        const write = this.#write(count, due).finally(() => underWay.delete(write))
        underWay.add(write)
      }
      await delay(TICK_MS)
    }
    await Promise.all(underWay)
  }

  async #write(count: number, at: number): Promise<void> {
    const command = { Set: { key: `steady-${count % 1000}`, value: this.#value } }
    const { status, text } = await this.#client.post(`${this.#url}/write`, { command })
    if (status === 200) this.done.push({ at, latencyMs: performance.now() - at })
    else this.refusals.push(`${status} ${text}`)
  }
}

/** Writers with numbers of their own, each of which goes on until one is refused for good; a busy node is asked again. */
export async function writersUntil(writers: number, write: (i: number) => Promise<Reply>, status: number): Promise<Reply> {
  const refusals: Reply[] = []
  let next = 0
  const writer = async (): Promise<void> => {
    while (refusals.length === 0) {
      const reply = await write(next++)
      if (reply.status === status) refusals.push(reply)
      else if (reply.status !== 200 && reply.status !== 429) throw new Error(`refused with ${reply.status} ${reply.text}`)
    }
  }
  await Promise.all(Array.from({ length: writers }, () => writer()))
  return refusals[0] as Reply
}

/** The client that behaves, while others do not; and what a flood costs the node it is sent to. */
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { quantile } from '../../bench/measure.ts'
import type { FleetNode } from '../chaos/fleet.ts'

const BETWEEN_MS = 10

interface Reply {
  readonly status: number
  readonly body: string
}

/** Writes a key, reads it back, and goes on doing so over one connection of its own. */
export class Witness {
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #latenciesMs: number[] = []
  readonly #failures: string[] = []
  readonly #stopped = new AbortController()
  #loop: Promise<void> = Promise.resolve()

  constructor({ url }: FleetNode) {
    this.#url = url
  }

  start(): void {
    this.#loop = this.#run()
  }

  /** What it met since the start. */
  async stop(): Promise<{
    readonly requests: number
    readonly p50Ms: number
    readonly p99Ms: number
    readonly failures: readonly string[]
  }> {
    this.#stopped.abort()
    await this.#loop
    this.#agent.destroy()
    const latencies = this.#latenciesMs
    return {
      requests: latencies.length,
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      failures: this.#failures,
    }
  }

  async ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const sent = request(`${this.#url}${path}`, { method, agent: this.#agent, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }))
      answer.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
    return promise
  }

  async #run(): Promise<void> {
    for (let i = 0; !this.#stopped.signal.aborted; i++) {
      const value = `value ${i}`
      const written = await this.#expect('/write', { command: { Set: { key: 'witness', value } } }, '"success":true')
      // A write that was refused is not there to be read.
      if (written) await this.#expect('/read', { key: 'witness' }, JSON.stringify(value))
      await delay(BETWEEN_MS)
    }
  }

  async #expect(path: string, body: object, wanted: string): Promise<boolean> {
    const started = performance.now()
    const { status, body: text } = await this.ask('POST', path, body).catch((error: unknown) => ({
      status: 0,
      body: String(error),
    }))
    this.#latenciesMs.push(performance.now() - started)
    const asWanted = status === 200 && text.includes(wanted)
    if (!asWanted) this.#failures.push(`${path}: ${status} ${text.slice(0, 200)}`)
    return asWanted
  }
}

/** From now on, {@link peakMiB} speaks of the time after this call. */
export function resetPeak(pid: number): void {
  // proc(5): 5 resets the high-water mark of resident memory.
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** The most memory a process had resident, in MiB. */
export function peakMiB(pid: number): number {
  return statusMiB(pid, 'VmHWM')
}

export function residentMiB(pid: number): number {
  return statusMiB(pid, 'VmRSS')
}

function statusMiB(pid: number, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** One value of the metrics, 0 when it is not there. `sample` is the name with its labels. */
export function metricValue(text: string, sample: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${sample} `))
  return line === undefined ? 0 : Number(line.slice(sample.length + 1))
}

/** Waits for a condition. @throws Error that says what did not come about */
export async function eventually(what: string, timeoutMs: number, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}`)
    await delay(25)
  }
}

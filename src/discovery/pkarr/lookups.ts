import { randomBetween } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'
import { MAX_PEERS } from '../../limits.ts'
import type { Clock, Timer } from '../../ports/index.ts'
import type { RecordPlace } from './record-place.ts'
import type { SignedRecord } from './signed-record.ts'

/** Whoever moves publishes it within moments; later there is little hope. */
const FIRST_INTERVAL_MS = 2_000
const MAX_INTERVAL_MS = 30_000
/** No more than four are looked for a second, and this many at once. */
const SHARE_MS = 250
const BURST = 8

export interface LookupsOptions {
  readonly place: RecordPlace
  readonly clock: Clock
  readonly random: Random
  /** @returns why it is of no use; null where it is */
  readonly found: (endpointId: string, record: SignedRecord) => string | null
  /** It failed, in words, or works: null. */
  readonly outcome: (failure: string | null) => void
}

interface Missed {
  dueAt: number
  intervalMs: number
  isAsked: boolean
}

/** Looks for the records of those who are missed, at one place, for as long as they are. */
export class Lookups {
  readonly #options: LookupsOptions
  readonly #missing = new Map<string, Missed>()
  #asked = 0
  /** What was asked so far is paid for then, at four a second. */
  #paidAt = Number.NEGATIVE_INFINITY
  #timer: Timer | null = null
  #isStopped = false

  constructor(options: LookupsOptions) {
    this.#options = options
  }

  seek(missing: readonly string[]): void {
    const wanted = new Set(missing.slice(0, MAX_PEERS))
    for (const endpointId of this.#missing.keys()) if (!wanted.has(endpointId)) this.#missing.delete(endpointId)
    const dueAt = this.#options.clock.now()
    for (const endpointId of wanted)
      if (!this.#missing.has(endpointId)) this.#missing.set(endpointId, { dueAt, intervalMs: FIRST_INTERVAL_MS, isAsked: false })
    this.#goOnLater()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#missing.clear()
  }

  #goOnLater(): void {
    this.#timer?.cancel()
    const next = this.#next()
    if (next === null || this.#isStopped || this.#asked >= this.#options.place.concurrency) return
    const { clock } = this.#options
    const at = Math.max(next[1].dueAt, this.#paidAt - (BURST - 1) * SHARE_MS)
    this.#timer = clock.setTimer(Math.max(0, at - clock.now()), () => {
      this.#look(...next).catch((error: Error) => this.#options.outcome(error.message))
      this.#goOnLater()
    })
  }

  #next(): readonly [string, Missed] | null {
    let next: readonly [string, Missed] | null = null
    for (const one of this.#missing) if (!one[1].isAsked && (next === null || one[1].dueAt < next[1].dueAt)) next = one
    return next
  }

  async #look(endpointId: string, missed: Missed): Promise<void> {
    const { place, clock, found, outcome } = this.#options
    missed.isAsked = true
    this.#asked++
    this.#paidAt = Math.max(this.#paidAt, clock.now()) + SHARE_MS
    try {
      const record = await place.get(endpointId)
      outcome(record === null || this.#missing.get(endpointId) !== missed ? null : found(endpointId, record))
    } catch (error) {
      outcome((error as Error).message)
    }
    this.#asked--
    missed.isAsked = false
    const { intervalMs } = missed
    missed.dueAt = clock.now() + randomBetween(this.#options.random, intervalMs, Math.floor(1.2 * intervalMs))
    missed.intervalMs = Math.min(2 * intervalMs, MAX_INTERVAL_MS)
    this.#goOnLater()
  }
}

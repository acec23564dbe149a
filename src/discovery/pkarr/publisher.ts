import { randomBetween } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'
import type { Clock, Timer } from '../../ports/index.ts'
import { PlaceError } from './record-place.ts'
import type { RecordPlace } from './record-place.ts'
import type { Sequence } from './sequence.ts'
import type { SignedRecord } from './signed-record.ts'

/** What is published again, though nothing has changed: relays and the DHT forget. */
const REPUBLISH_MS = 5 * 60_000
/** Nothing is published more often, however often it changes. */
const MIN_INTERVAL_MS = 5_000
/** What a place may ask for. */
const MAX_RETRY_AFTER_MS = 10 * 60_000

export interface PublisherOptions {
  readonly endpointId: string
  readonly place: RecordPlace
  readonly clock: Clock
  readonly random: Random
  readonly sequence: Sequence
  /** What there is to say now; null for nothing. */
  readonly record: (sequence: number) => SignedRecord | null
  /** It failed, in words, or works: null. */
  readonly outcome: (failure: string | null) => void
}

/** Keeps what this node says of itself at one place. */
export class Publisher {
  readonly #options: PublisherOptions
  #timer: Timer | null = null
  #earliest = Number.NEGATIVE_INFINITY
  #isBusy = false
  #isStale = false
  #isStopped = false
  #failures = 0
  /** The record of this node that is there, where it was in the way. */
  #replaces: number | null = null

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** There is something else to say. */
  publish(): void {
    if (this.#isBusy) this.#isStale = true
    else this.#publishIn(0)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #publishIn(delayMs: number): void {
    if (this.#isStopped) return
    const { clock } = this.#options
    this.#timer?.cancel()
    this.#timer = clock.setTimer(Math.max(delayMs, this.#earliest - clock.now()), () => {
      this.#publish().catch((error: Error) => this.#options.outcome(error.message))
    })
  }

  async #publish(): Promise<void> {
    const { place, clock, sequence, record, outcome } = this.#options
    const next = record(sequence.next())
    if (next === null) return
    this.#isBusy = true
    this.#isStale = false
    this.#earliest = clock.now() + MIN_INTERVAL_MS
    let delayMs: number
    try {
      await place.put(next, this.#replaces)
      this.#failures = 0
      this.#replaces = null
      outcome(null)
      delayMs = this.#jittered(REPUBLISH_MS)
    } catch (error) {
      delayMs = await this.#failed(error as Error, next.sequence)
    }
    this.#isBusy = false
    this.#publishIn(this.#isStale ? 0 : delayMs)
  }

  async #failed(error: Error, sequence: number): Promise<number> {
    const { clock, outcome } = this.#options
    const { isConflict = false, retryAfterMs = 0 } = error instanceof PlaceError ? error : {}
    const words = isConflict ? await this.#goAbove(sequence) : null
    this.#earliest = clock.now() + Math.max(MIN_INTERVAL_MS, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS))
    outcome(words ?? error.message)
    return this.#jittered(Math.min(REPUBLISH_MS, MIN_INTERVAL_MS * 2 ** this.#failures++))
  }

  /** Another record of this node stands there: of a former life with another clock, or of another node with its key. */
  async #goAbove(sequence: number): Promise<string | null> {
    const { endpointId, place, sequence: own } = this.#options
    const found = await place.get(endpointId).catch(() => null)
    this.#replaces = found?.sequence ?? null
    if (found === null || found.sequence < sequence || own.goAbove(found.sequence)) return null
    const until = new Date(found.sequence / 1_000).toISOString()
    return `a record of this node from ${until} stands there: its clock was ahead, or is behind; nothing is published until then`
  }

  #jittered(ms: number): number {
    return randomBetween(this.#options.random, Math.floor(0.8 * ms), Math.floor(1.2 * ms))
  }
}

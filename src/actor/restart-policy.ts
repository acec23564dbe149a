/**
 * When whoever has failed is started again: after 1, 2, 4, 8, then 16 seconds; and not at all for a while once it has failed too often,
 * for each start takes from those that are well. Pure: its user tells it what happened, and when.
 *
 *   closed     starts follow failures, each after a longer pause
 *      |       more failures within the window than may be
 *   open       no start, for as long as the circuit stays open
 *      |       that time is over, or somebody starts it by hand
 *   half-open  one try: a failure opens the circuit again, stability closes it
 *
 * Invariant: of the pauses that it names, at most `maxRestarts` begin within one window, those of an open circuit aside.
 */
import { fail } from '../lib/index.ts'
import { MAX_BACKOFF_SECONDS } from '../limits.ts'

const FIRST_BACKOFF_MS = 1_000

export interface RestartSettings {
  /** Restarts within the window before the circuit opens. */
  readonly maxRestarts: number
  readonly windowMs: number
  /** Uptime after which pauses are short again, and restarts before it forgotten. */
  readonly stabilityMs: number
  /** How long the circuit stays open; null: whoever fails too often is not started again. */
  readonly circuitOpenMs: number | null
  /** Uptime after which a half-open circuit closes. */
  readonly halfOpenStabilityMs: number
}

/** Those of the specification. */
export const RESTART_SETTINGS: RestartSettings = {
  maxRestarts: 3,
  windowMs: 600_000,
  stabilityMs: 300_000,
  circuitOpenMs: 300_000,
  halfOpenStabilityMs: 120_000,
}

export type CircuitState = 'closed' | 'open' | 'half-open'

export class RestartPolicy {
  readonly #settings: RestartSettings
  #circuit: CircuitState = 'closed'
  /** Since when it runs; null while it does not. */
  #startedAt: number | null = null
  /** When it failed, of those failures that were followed by a restart, as far as they are within the window. */
  #restarts: number[] = []
  /** Pauses since it was last stable. */
  #pauses = 0

  constructor(settings: RestartSettings = RESTART_SETTINGS) {
    this.#settings = settings
  }

  /** It is being started, for the first time or again, because its pause is over. */
  started(now: number): void {
    if (this.#startedAt !== null) fail('what runs is started again')
    this.#startedAt = now
    if (this.#circuit === 'open') this.#circuit = 'half-open'
  }

  /** Somebody starts it, whether it runs, waits for the end of its pause, or for that of an open circuit, which is half-open from then on. */
  startedByHand(now: number): void {
    this.#settle(now)
    this.#startedAt = null
    this.started(now)
  }

  /** It has failed, during its start or later. @returns how long to wait before the next start, in milliseconds; null: for ever */
  failed(now: number): number | null {
    this.#settle(now)
    if (this.#startedAt === null) fail('what does not run has failed')
    this.#startedAt = null
    this.#restarts = this.#restarts.filter((at) => now - at < this.#settings.windowMs)
    if (this.#circuit === 'half-open' || this.#restarts.length >= this.#settings.maxRestarts) return this.#open()
    this.#restarts.push(now)
    return Math.min(MAX_BACKOFF_SECONDS * 1_000, FIRST_BACKOFF_MS * 2 ** this.#pauses++)
  }

  circuitAt(now: number): CircuitState {
    this.#settle(now)
    return this.#circuit
  }

  /** Restarts that count at `now`. */
  restartsAt(now: number): number {
    this.#settle(now)
    return this.#restarts.filter((at) => now - at < this.#settings.windowMs).length
  }

  #open(): number | null {
    const { circuitOpenMs } = this.#settings
    this.#circuit = 'open'
    return circuitOpenMs
  }

  /** What uptime alone brings about. */
  #settle(now: number): void {
    if (this.#startedAt === null) return
    const { stabilityMs, halfOpenStabilityMs } = this.#settings
    const uptimeMs = now - this.#startedAt
    if (uptimeMs < (this.#circuit === 'half-open' ? halfOpenStabilityMs : stabilityMs)) return
    this.#circuit = 'closed'
    this.#restarts = []
    this.#pauses = 0
  }
}

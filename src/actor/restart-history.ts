import { Deque } from '../lib/index.ts'
import { MAX_RESTART_HISTORY_SIZE } from '../limits.ts'

/** A failure or a restart by hand, and what followed. */
export interface RestartNote {
  readonly path: string
  /** Of the clock. */
  readonly at: number
  readonly uptimeMs: number
  readonly reason: string
  /** Until the next start; null: there is none. */
  readonly pauseMs: number | null
}

/** The newest failures and restarts by hand of an actor, or of those that are restarted with it. */
export class RestartHistory {
  readonly #notes = new Deque<RestartNote>()
  #failures = 0

  /** Those that there were, also those that are forgotten. */
  get failures(): number {
    return this.#failures
  }

  get notes(): readonly RestartNote[] {
    return this.#notes.slice(0, this.#notes.length)
  }

  addFailure(note: RestartNote): void {
    this.#failures++
    this.add(note)
  }

  add(note: RestartNote): void {
    this.#notes.push(note)
    if (this.#notes.length > MAX_RESTART_HISTORY_SIZE) this.#notes.shift()
  }
}

import { Deque } from '../lib/index.ts'
import { MAX_RESTART_HISTORY_SIZE } from '../limits.ts'

/** A failure, and what followed. */
export interface RestartNote {
  readonly path: string
  /** Of the clock. */
  readonly at: number
  readonly uptimeMs: number
  readonly reason: string
  /** Until the next start; null: there is none. */
  readonly pauseMs: number | null
}

/** The newest failures of an actor, or of those that are restarted with it. */
export class RestartHistory {
  readonly #notes = new Deque<RestartNote>()
  #count = 0

  /** Failures that there were, also those that are forgotten. */
  get count(): number {
    return this.#count
  }

  get notes(): readonly RestartNote[] {
    return this.#notes.slice(0, this.#notes.length)
  }

  add(note: RestartNote): void {
    this.#count++
    this.#notes.push(note)
    if (this.#notes.length > MAX_RESTART_HISTORY_SIZE) this.#notes.shift()
  }
}

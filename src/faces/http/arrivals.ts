/**
 * Whether many connections come at once. Node accepts one in each turn of the event loop, so those that were accepted first would make
 * turns long for those that wait: with 256 clients, and a node that has just started, for more than a second.
 */

import { MAX_HTTP_ARRIVALS_MS } from '../../limits.ts'

export class Arrivals {
  readonly #now: () => number
  #cameNow = false
  #cameBefore = false
  #since: number | null = null
  #restUntil = Number.NEGATIVE_INFINITY

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** All else waits until no more come. */
  get areMany(): boolean {
    return this.#since !== null
  }

  /** One has come in this turn. */
  came(): void {
    this.#cameNow = true
    const now = this.#now()
    if (this.#cameBefore && now >= this.#restUntil) this.#since ??= now
  }

  /** @returns whether one may come in the next turn, which is not to be missed */
  endTurn(): boolean {
    const isOver = this.#since !== null && this.#now() - this.#since >= MAX_HTTP_ARRIVALS_MS
    if (isOver) this.#restUntil = this.#now() + MAX_HTTP_ARRIVALS_MS
    if (isOver || !this.#cameNow) this.#since = null
    this.#cameBefore = this.#cameNow
    this.#cameNow = false
    return this.#cameBefore
  }
}

import type { Clock } from '../../ports/index.ts'

/** Packets that are looked into a second, and at once. */
const PER_SECOND = 200
const BURST = 400

/** What anybody on the network may have this node do: the rest is dropped unseen. */
export class Allowance {
  readonly #clock: Clock
  #left = BURST
  #at: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#at = clock.now()
  }

  take(): boolean {
    const now = this.#clock.now()
    this.#left = Math.min(BURST, this.#left + ((now - this.#at) * PER_SECOND) / 1_000)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

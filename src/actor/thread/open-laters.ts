import type { Later } from '../later.ts'

/** Before those are looked for which nobody waits for any more. */
const FIRST_SWEEP = 1_024

/**
 * What the thread has yet to answer, by the numbers of the messages. It may never do so: those whose callers have given up are dropped, so that no
 * more are kept than twice those who wait, and some.
 */
export class OpenLaters {
  readonly #laters = new Map<number, Later<unknown>>()
  #sweepAt = FIRST_SWEEP

  get size(): number {
    return this.#laters.size
  }

  /** It may be waited for from the next message on. */
  keep(id: number, later: Later<unknown>): void {
    if (this.#laters.size >= this.#sweepAt) this.#sweep()
    this.#laters.set(id, later)
  }

  take(id: number): Later<unknown> | undefined {
    const later = this.#laters.get(id)
    this.#laters.delete(id)
    return later
  }

  #sweep(): void {
    for (const [id, { isAwaited }] of this.#laters) if (!isAwaited) this.#laters.delete(id)
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#laters.size)
  }
}

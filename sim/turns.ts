/**
 * Turns of the event loop within a simulated run. HTTP handlers and clients go on in promises, which run when an event of the
 * scheduler is through; the next event waits until nothing is left of them, so that a run depends on nothing but its seed.
 */

/** Reading a body and sending an answer takes a few. */
const MAX_TURNS = 1000

export class Turns {
  #asked = false
  #held = 0
  #failure: Error | null = null

  /** Whether the next event has to wait. */
  get due(): boolean {
    return this.#asked || this.#held > 0 || this.#failure !== null
  }

  /** Some promise has settled: who waits for it goes on before the next event. */
  ask(): void {
    this.#asked = true
  }

  /** Something goes on over as many turns as it takes, until it is released. */
  hold(): void {
    this.#held++
  }

  release(): void {
    this.#held--
  }

  /** What was thrown where nobody catches it ends the run. */
  fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error))
  }

  /** @throws Error what failed meanwhile */
  async take(): Promise<void> {
    for (let turns = 0; this.#asked || this.#held > 0; turns++) {
      if (turns === MAX_TURNS)
        throw new Error(`${this.#held} HTTP requests wait for more than simulated events: a run cannot be repeated`)
      this.#asked = false
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (this.#failure !== null) throw this.#failure
  }
}

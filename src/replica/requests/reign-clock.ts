/**
 * What a leader measures on its monotonic clock between the commands that it proposes. Their sum is the time that everything
 * replicated lives by; it begins anew with every reign, so that it stands still while nobody leads.
 */
export class ReignClock {
  #term = 0
  /** The time of the clock up to which the stamps of this reign account for. */
  #accounted = 0

  /** Whole milliseconds since the last stamp; 0 for the first of a reign. */
  elapsed(term: number, now: number): number {
    if (term !== this.#term) {
      this.#term = term
      this.#accounted = now
    }
    return Math.max(0, Math.floor(now - this.#accounted))
  }

  /** These are in the log. What is left of a millisecond counts towards the next stamp. */
  stamped(elapsedMs: number): void {
    this.#accounted += elapsedMs
  }
}

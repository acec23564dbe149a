/**
 * Delivers events to the transport's user: in order, and never from inside a call the user made. A call that causes
 * an event posts it; it runs once that call has returned, and before any message that comes in later.
 */
export class EventQueue {
  #events: (() => void)[] = []

  post(run: () => void): void {
    this.#events.push(run)
    if (this.#events.length === 1) process.nextTick(() => this.drain())
  }

  /** Runs what was posted. To be called only where the user is not on the stack: when input arrives. */
  drain(): void {
    while (this.#events.length > 0) {
      const events = this.#events
      this.#events = []
      for (const run of events) run()
    }
  }
}

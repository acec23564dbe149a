import type { Clock, Timer } from '../ports/index.ts'

/** Looks at a thread within the time that it may be silent. */
const CHECKS = 5

/**
 * Whether the event loop of a thread turns: it is asked, and has to answer before it is asked again.
 *
 * Invariant: what counts against the thread is time in which this side would have heard its answer. A stall of this side counts as one
 * check, however long it was; and before each check there was a turn in which what had come could be heard.
 */
export class Watchdog {
  readonly #clock: Clock
  readonly #checkMs: number
  readonly #ask: () => void
  readonly #silent: () => void
  #hasAnswered = true
  #missed = 0
  #timer: Timer | null = null
  #isOver = false

  /** `silent` is told once, when the thread has not answered for `unresponsiveMs`. */
  constructor(clock: Clock, unresponsiveMs: number, thread: { readonly ask: () => void; readonly silent: () => void }) {
    this.#clock = clock
    this.#checkMs = unresponsiveMs / CHECKS
    this.#ask = thread.ask
    this.#silent = thread.silent
  }

  /** The thread is up. */
  start(): void {
    this.#check()
  }

  answered(): void {
    this.#hasAnswered = true
    this.#missed = 0
  }

  stop(): void {
    this.#isOver = true
    this.#timer?.cancel()
  }

  #check(): void {
    if (this.#isOver) return
    if (this.#hasAnswered) {
      this.#hasAnswered = false
      this.#ask()
    } else if (++this.#missed === CHECKS) {
      this.stop()
      return this.#silent()
    }
    this.#timer = this.#clock.setTimer(this.#checkMs, () => this.#clock.defer(() => this.#check()))
  }
}

import { Deque } from '../lib/index.ts'
import type { Clock } from '../ports/index.ts'

/** Whoever has something to do. */
export interface Runnable {
  /** Does some of it, and throws nothing; true when there is more. */
  run(): boolean
}

/** How long actors run before the rest of the process gets its turn, in milliseconds; and how many visits, where time stands still. */
const SLICE_MS = 4
const MAX_VISITS = 1_024

/**
 * Whoever has messages gets its turn, in the order in which they came to have some. All of them share one turn of the event
 * loop, which ends behind the visit in which its time is over: what else the process does, such as a heartbeat, waits that long.
 */
export class RunQueue {
  readonly #clock: Clock
  readonly #waiting = new Deque<Runnable>()
  #scheduled = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `runnable` is not in the queue. */
  add(runnable: Runnable): void {
    this.#waiting.push(runnable)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#clock.defer(this.#slice)
  }

  readonly #slice = (): void => {
    try {
      this.#visit()
    } finally {
      // Whatever went wrong in one of them, the others go on.
      this.#scheduled = false
      if (this.#waiting.length > 0) this.#schedule()
    }
  }

  #visit(): void {
    const end = this.#clock.now() + SLICE_MS
    for (let visit = 1; visit <= MAX_VISITS; visit++) {
      const runnable = this.#waiting.shift()
      if (runnable === undefined) return
      if (runnable.run()) this.#waiting.push(runnable)
      if (this.#clock.now() >= end) return
    }
  }
}

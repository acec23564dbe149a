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
  #inSlice = false
  #behind: (() => void)[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `runnable` is not in the queue. */
  add(runnable: Runnable): void {
    this.#waiting.push(runnable)
    this.#schedule()
  }

  /** Runs `run` when the slice at hand is over, so that it is done once for all that the slice did; outside of one, as the clock defers it. */
  soon(run: () => void): void {
    if (this.#inSlice) this.#behind.push(run)
    else this.#clock.defer(run)
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#clock.defer(this.#slice)
  }

  readonly #slice = (): void => {
    this.#inSlice = true
    try {
      this.#visit()
    } finally {
      // Whatever went wrong in one of them, the others go on.
      this.#inSlice = false
      this.#scheduled = false
      if (this.#waiting.length > 0) this.#schedule()
      if (this.#behind.length > 0) this.#endSlice()
    }
  }

  #endSlice(): void {
    const behind = this.#behind
    this.#behind = []
    for (const run of behind) run()
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

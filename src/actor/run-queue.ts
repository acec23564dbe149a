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
/** More that wait at once are an exception, whose room is not kept. */
const MANY = 65_536

/**
 * Whoever has messages gets its turn, in the order in which they came to have some. All of them share one turn of the event
 * loop, which ends behind the visit in which its time is over: what else the process does, such as a heartbeat, waits that long.
 */
export class RunQueue {
  readonly #clock: Clock
  readonly #waiting = new Deque<Runnable>()
  #wereMany = false
  #scheduled = false
  /** Until when actors may run in this turn of the event loop; null: they have not run in it yet. */
  #turnEnd: number | null = null
  #inSlice = false
  #behind: (() => void)[] = []

  readonly #ran: () => void

  /** @param ran told when actors have run */
  constructor(clock: Clock, ran: () => void = () => undefined) {
    this.#clock = clock
    this.#ran = ran
  }

  /** `runnable` is not in the queue. */
  add(runnable: Runnable): void {
    this.#waiting.push(runnable)
    if (this.#waiting.length > MANY) this.#wereMany = true
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
    if (this.#clock.soon !== undefined && this.#hasTime()) this.#clock.soon(this.#slice)
    else this.#clock.defer(this.#slice)
  }

  /** Whether there is some left of this turn of the event loop: who waits for an answer, again and again, needs no turn for each. */
  #hasTime(): boolean {
    const now = this.#clock.now()
    if (this.#turnEnd !== null) return now < this.#turnEnd
    this.#turnEnd = now + SLICE_MS
    this.#clock.defer(this.#endTurn)
    return true
  }

  readonly #endTurn = (): void => {
    this.#turnEnd = null
  }

  readonly #slice = (): void => {
    this.#inSlice = true
    try {
      this.#visit(this.#sliceEnd())
    } finally {
      // Whatever went wrong in one of them, the others go on.
      this.#inSlice = false
      this.#scheduled = false
      if (this.#waiting.length > 0) this.#schedule()
      else if (this.#wereMany) this.#shrink()
      this.#ran()
      if (this.#behind.length > 0) this.#endSlice()
    }
  }

  /** The room that they took is given back. */
  #shrink(): void {
    this.#wereMany = false
    this.#waiting.clear()
  }

  #endSlice(): void {
    const behind = this.#behind
    this.#behind = []
    for (const run of behind) run()
  }

  #sliceEnd(): number {
    if (this.#turnEnd === null && this.#clock.soon !== undefined) this.#hasTime()
    return this.#turnEnd ?? this.#clock.now() + SLICE_MS
  }

  #visit(end: number): void {
    for (let visit = 1; visit <= MAX_VISITS; visit++) {
      const runnable = this.#waiting.shift()
      if (runnable === undefined) return
      if (runnable.run()) this.#waiting.push(runnable)
      if (this.#waiting.length === 0 || this.#clock.now() >= end) return
    }
  }
}

import type { Clock, Timer } from '../ports/index.ts'

const NANOSECONDS = 1_000_000

/** Milliseconds of the machine's monotonic clock, which is the same in all threads. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / NANOSECONDS
}

/** The time in a thread: that of the system which the thread belongs to. */
export class ThreadClock implements Clock {
  readonly #zeroMs: number

  /** @param zeroMs what the machine's clock showed when the system's showed 0 */
  constructor(zeroMs: number) {
    this.#zeroMs = zeroMs
  }

  now(): number {
    return machineMs() - this.#zeroMs
  }

  setTimer(delayMs: number, run: () => void): Timer {
    const timer = setTimeout(run, delayMs)
    return { cancel: () => clearTimeout(timer) }
  }

  defer(run: () => void): void {
    setImmediate(run)
  }
}

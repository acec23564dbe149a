import { systemClock } from '../machine/index.ts'
import type { Clock } from '../ports/index.ts'

const NANOSECONDS = 1_000_000

/** Milliseconds of the machine's monotonic clock, which is the same in all threads. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / NANOSECONDS
}

/** The clock in a thread: its time is that of the system which the thread belongs to. `zeroMs` is what the machine's showed when that showed 0. */
export function threadClock(zeroMs: number): Clock {
  return { ...systemClock, now: () => machineMs() - zeroMs }
}

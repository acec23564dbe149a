export interface Timer {
  cancel(): void
  /** Whether the process lives on for it: it does unless told otherwise. Absent where no process depends on the clock. */
  hold?(holds: boolean): void
}

/** Time enters the system here and nowhere else. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start. */
  now(): number
  setTimer(delayMs: number, run: () => void): Timer
  /** Runs `run` after the input at hand has been taken in: once per turn of the event loop. */
  defer(run: () => void): void
  /** Runs `run` behind the call at hand, before anything else of the process: microtasks. Absent where there are none. */
  soon?(run: () => void): void
}

import type { Clock } from '../ports/index.ts'

/** The machine's monotonic clock and Node's timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer: (delayMs, run) => {
    const timer = setTimeout(run, delayMs)
    return {
      cancel: () => clearTimeout(timer),
      hold: (holds) => void (holds ? timer.ref() : timer.unref()),
    }
  },
  soon: queueMicrotask,
  defer: (run) => {
    setImmediate(run)
  },
}

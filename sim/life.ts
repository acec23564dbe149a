/**
 * One life of a simulated process, from its start to its crash. Whatever was scheduled on its behalf dies with
 * it: a crash falls between two events, and nothing of the old life reaches the next.
 */
import type { Clock } from '../src/ports/index.ts'
import type { ScheduledEvent, Scheduler } from './scheduler.ts'

export class Life {
  readonly name: string
  readonly clock: Clock
  readonly #scheduler: Scheduler
  readonly #afterEvent: () => void
  #alive = true

  /** `afterEvent` is called after everything this process does. */
  constructor(scheduler: Scheduler, name: string, afterEvent: () => void = () => undefined) {
    this.name = name
    this.#scheduler = scheduler
    this.#afterEvent = afterEvent
    // Clocks of different lives have nothing in common but their pace.
    const born = scheduler.now
    this.clock = {
      now: () => scheduler.now - born,
      setTimer: (delayMs, run) => {
        const event = this.after(Math.max(0, delayMs), run)
        return { cancel: () => scheduler.cancel(event) }
      },
      defer: (run) => {
        this.after(0, run)
      },
    }
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Runs `run` later as an event of this process, unless it has died by then. */
  after(delayMs: number, run: () => void): ScheduledEvent {
    return this.#scheduler.after(delayMs, () => {
      if (!this.#alive) return
      run()
      this.#afterEvent()
    })
  }

  end(): void {
    this.#alive = false
  }
}

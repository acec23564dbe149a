import type { Clock, Timer } from '../../ports/index.ts'

/** What a loop runs: the replica. */
export interface TurnRunner {
  /** One turn; returns when the next is due at the latest, a time of the clock. */
  turn(now: number): number
  /** An invariant broke, or a store failed: called once, and nothing runs any more. */
  faulted(error: Error): void
}

/**
 * When a replica runs: inputs are taken in as they come, and once per turn of the event loop their effects are
 * carried out together. Whatever throws in here ends the loop for good.
 */
export class TurnLoop {
  readonly #clock: Clock
  readonly #runner: TurnRunner
  #scheduled = false
  /** What is to run at the beginning of the next turn. */
  #first: (() => void)[] = []
  #timer: Timer | null = null
  #timerAt = Number.POSITIVE_INFINITY
  #turns = 0
  #fault: Error | null = null
  #closed = false

  constructor(clock: Clock, runner: TurnRunner) {
    this.#clock = clock
    this.#runner = runner
  }

  get turns(): number {
    return this.#turns
  }

  /** Why nothing runs any more, or null. */
  get fault(): Error | null {
    return this.#fault
  }

  /** False after a fault, and after `close`. */
  get running(): boolean {
    return this.#fault === null && !this.#closed
  }

  /** Runs an input now, and has a turn follow. False when the loop has ended: nothing was run. */
  input(run: () => void): boolean {
    if (!this.running) return false
    this.guard(run)
    this.schedule()
    return true
  }

  /** Runs something that needs no turn after it. */
  guard(run: () => void): void {
    if (!this.running) return
    try {
      run()
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** Runs something after the input at hand, guarded. */
  defer(run: () => void): void {
    this.#clock.defer(() => this.guard(run))
  }

  /**
   * Has `run` take in at the beginning of the next turn what has gathered by then: a queue in front of the loop costs no
   * turn of its own. It runs, too, when the loop has ended: whoever is in the queue has to hear of it.
   */
  beforeTurn(run: () => void): void {
    this.#first.push(run)
    this.schedule()
  }

  schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#clock.defer(() => this.#run())
  }

  /** Ends the loop because of `error`. */
  fail(error: Error): void {
    if (!this.running) return
    this.#fault = error
    this.#timer?.cancel()
    this.#runner.faulted(error)
  }

  /** Ends the loop because the node stops. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #run(): void {
    const first = this.#first
    this.#first = []
    // What they take in is part of this turn: it is still the one that is scheduled.
    for (const run of first) run()
    this.#scheduled = false
    this.guard(() => this.#turn())
    if (this.#first.length > 0) this.schedule()
  }

  #turn(): void {
    this.#turns++
    const now = this.#clock.now()
    this.#arm(this.#runner.turn(now), now)
  }

  /** A timer that fires too early costs an empty turn, and setting one at every turn costs more. */
  #arm(due: number, now: number): void {
    if (!this.running || (this.#timer !== null && this.#timerAt <= due)) return
    this.#timer?.cancel()
    this.#timerAt = due
    this.#timer = this.#clock.setTimer(Math.max(0, due - now), () => {
      this.#timer = null
      this.#timerAt = Number.POSITIVE_INFINITY
      this.schedule()
    })
  }
}

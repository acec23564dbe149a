import { MAX_ACTOR_TIMERS } from '../limits.ts'
import type { Clock, Timer } from '../ports/index.ts'
import { ActorError } from './actor-error.ts'
import type { Life } from './life.ts'

/** A timer of a life that is not over. It counts until it has run, also while it waits behind a message: so what waits is bounded. */
export class LifeTimer implements Timer {
  readonly #life: Life
  readonly #timer: Timer
  #isOver = false

  /**
   * @param due called in `delayMs`
   * @throws ActorError OVERLOADED when the life has too many
   */
  constructor(life: Life, clock: Clock, delayMs: number, due: (timer: LifeTimer) => void) {
    if (life.timers >= MAX_ACTOR_TIMERS) {
      const words = `${MAX_ACTOR_TIMERS} timers of this actor have not run, and it gets no more: cancel those that are not needed, or let one do the work of many`
      throw new ActorError('OVERLOADED', words)
    }
    this.#life = life
    this.#timer = clock.setTimer(delayMs, () => due(this))
    life.timers++
    life.keep(this)
  }

  /** Its time has come, and so has its turn. False: it was cancelled. */
  take(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#life.timers--
    this.#life.drop(this)
    return true
  }

  cancel(): void {
    if (this.take()) this.#timer.cancel()
  }
}

/** Of a life that is over. */
export const NO_TIMER: Timer = { cancel: () => undefined }

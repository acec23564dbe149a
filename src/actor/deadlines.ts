import type { Clock, Timer } from '../ports/index.ts'

/** Lists at a time. Whoever waits yet another time, as those do who hand on what is left of a deadline, has a timer of its own. */
const MAX_LISTS = 64

/** Whoever waits until a time, or until it is let go. Its links belong to the list that it is in. */
export abstract class Expiring {
  list: DeadlineList | null = null
  before: Expiring | null = null
  behind: Expiring | null = null
  dueAt = 0
  timer: Timer | null = null

  /** Its time is over; it is in no list any more. */
  abstract expired(): void
}

/** Those who wait equally long, the first to expire first. */
class DeadlineList {
  first: Expiring | null = null
  last: Expiring | null = null
  timer: Timer | null = null
  /** The process lives on for it. */
  isHeld = true
  /** It is to be looked at whether anybody waits. */
  isLeft = false
}

/**
 * Deadlines of many, most of which are let go long before. Those who wait equally long expire in the order in which they came, so
 * that a list, and one timer, serves all of them: to come and to go costs a few assignments.
 */
export class Deadlines {
  readonly #clock: Clock
  /** By the time to wait. */
  readonly #lists = new Map<number, DeadlineList>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(waiting: Expiring, timeoutMs: number): void {
    waiting.dueAt = this.#clock.now() + timeoutMs
    let list = this.#lists.get(timeoutMs)
    if (list === undefined && this.#lists.size >= MAX_LISTS) {
      waiting.timer = this.#clock.setTimer(timeoutMs, () => {
        waiting.timer = null
        waiting.expired()
      })
      return
    }
    if (list === undefined) {
      list = new DeadlineList()
      this.#lists.set(timeoutMs, list)
    }
    waiting.list = list
    waiting.before = list.last
    if (list.last === null) list.first = waiting
    else list.last.behind = waiting
    list.last = waiting
    if (list.timer === null) this.#arm(list, timeoutMs, timeoutMs)
    else if (!list.isHeld) this.#hold(list, true)
  }

  /** It waits no longer. Does nothing when it does not wait. */
  remove(waiting: Expiring): void {
    const { list, before, behind } = waiting
    waiting.timer?.cancel()
    waiting.timer = null
    if (list === null) return
    if (before === null) list.first = behind
    else before.behind = behind
    if (behind === null) list.last = before
    else behind.before = before
    // The timer stays, for those who come next, but nobody waits for it.
    if (list.first === null && !list.isLeft && list.timer?.hold !== undefined) this.#leave(list)
    waiting.list = null
    waiting.before = null
    waiting.behind = null
  }

  #hold(list: DeadlineList, holds: boolean): void {
    list.isHeld = holds
    list.timer?.hold?.(holds)
  }

  /** Soon, for who calls again and again leaves a list each time. */
  #leave(list: DeadlineList): void {
    list.isLeft = true
    this.#clock.defer(() => {
      list.isLeft = false
      if (list.first === null) this.#hold(list, false)
    })
  }

  #arm(list: DeadlineList, timeoutMs: number, delayMs: number): void {
    list.isHeld = true
    list.timer = this.#clock.setTimer(delayMs, () => this.#expire(list, timeoutMs))
  }

  #expire(list: DeadlineList, timeoutMs: number): void {
    list.timer = null
    const now = this.#clock.now()
    for (let { first } = list; first !== null && first.dueAt <= now; first = list.first) {
      this.remove(first)
      first.expired()
    }
    if (list.timer !== null) return
    if (list.first === null) this.#lists.delete(timeoutMs)
    else this.#arm(list, timeoutMs, Math.max(0, list.first.dueAt - now))
  }
}

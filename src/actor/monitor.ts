import type { LifeEvent, Watch } from './target.ts'

/** How one life watches a target: what it is told waits here until the watcher has its turn. */
export class Monitor implements Watch {
  readonly #listener: (event: LifeEvent) => unknown
  /** Has `deliver` run inside the watcher, between two messages. */
  readonly #schedule: () => void
  /** At most two: what a target was before those is of no concern any more. */
  #pending: LifeEvent[] = []
  #watch: Watch | null = null
  #cancelled = false
  /** The target is gone for good, and that was told. */
  isOver = false

  constructor(listener: (event: LifeEvent) => unknown, schedule: () => void) {
    this.#listener = listener
    this.#schedule = schedule
  }

  /** The target's; called once, behind the first of what it tells. */
  attach(watch: Watch): void {
    if (this.#cancelled) watch.cancel()
    else this.#watch = watch
  }

  readonly told = (event: LifeEvent): void => {
    if (this.#cancelled) return
    const last = this.#pending.at(-1)
    if (last?.type === event.type) this.#pending.pop()
    else if (this.#pending.length === 2) this.#pending = []
    this.#pending.push(event)
    if (last === undefined) this.#schedule()
  }

  /** Tells the listener the oldest that waits, and comes again for more. @returns what the listener returned */
  deliver(): unknown {
    const event = this.#pending.shift()
    if (this.#cancelled || event === undefined) return undefined
    if (this.#pending.length > 0) this.#schedule()
    this.isOver = event.type === 'down' && event.final
    return this.#listener(event)
  }

  cancel(): void {
    this.#cancelled = true
    this.#pending = []
    this.#watch?.cancel()
    this.#watch = null
  }
}

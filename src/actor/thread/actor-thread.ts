import type { News, Order } from './thread-messages.ts'
import type { Thread, ThreadListener, ThreadPort, ThreadSettings } from './thread-port.ts'

/** A life in a thread, as its thread sees it. */
export interface Lodger {
  heard(news: News): void
  /** The thread has ended, and this life with it. */
  lost(error: Error): void
  /** Ends its actor for good, in good order. */
  stop(gone: () => void): void
}

/** Whoever keeps threads. */
export interface ThreadKeeper {
  /** Nobody enters it any more, for whatever reason. */
  closed(thread: ActorThread): void
  /** Nothing is left of it. */
  gone(): void
}

/**
 * A thread and the lives in it.
 *
 * Invariants: when it has ended, nobody is in it, and whoever was has been told, unless it was ended on purpose; the keeper is told once that
 * it is closed and, behind that, once that it is gone.
 */
export class ActorThread implements ThreadListener {
  readonly #keeper: ThreadKeeper
  readonly #thread: Thread
  readonly #lodgers = new Map<number, Lodger>()
  #nextLife = 1
  #isClosed = false
  /** Those who want to know when it is gone; null: it is. */
  #waiting: (() => void)[] | null = []

  /** @throws Error when there can be no thread */
  constructor(port: ThreadPort, settings: ThreadSettings, keeper: ThreadKeeper) {
    this.#keeper = keeper
    this.#thread = port.open(settings, this)
  }

  get load(): number {
    return this.#lodgers.size
  }

  get lodgers(): readonly Lodger[] {
    return [...this.#lodgers.values()]
  }

  /** @returns the number that the life has in this thread */
  enter(lodger: Lodger): number {
    const life = this.#nextLife++
    this.#lodgers.set(life, lodger)
    return life
  }

  leave(life: number): void {
    this.#lodgers.delete(life)
  }

  tell(order: Order): void {
    if (!this.#isClosed) this.#thread.tell(order)
  }

  heard(news: News): void {
    this.#lodgers.get(news.life)?.heard(news)
  }

  ended(error: Error): void {
    if (this.#isClosed) return
    const { lodgers } = this
    this.#lodgers.clear()
    this.end(() => undefined)
    for (const lodger of lodgers) lodger.lost(error)
  }

  /** Ends it, whoever is in it; they are not told. `gone` is called when nothing is left of it. */
  end(gone: () => void): void {
    if (this.#waiting === null) return gone()
    this.#waiting.push(gone)
    if (this.#isClosed) return
    this.#isClosed = true
    this.#keeper.closed(this)
    this.#thread.end(() => {
      const waiting = this.#waiting ?? []
      this.#waiting = null
      this.#keeper.gone()
      for (const told of waiting) told()
    })
  }
}

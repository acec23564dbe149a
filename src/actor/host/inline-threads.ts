import type { Clock } from '../../ports/index.ts'
import type { News, Order, Thread, ThreadListener, ThreadPort, ThreadSettings } from '../thread/index.ts'
import { ThreadHost } from './thread-host.ts'

/** What a thread of Node would be, without one: it shares the clock of its system, and nothing else. */
export class InlineThread implements Thread {
  readonly name: string
  readonly #clock: Clock
  readonly #listener: ThreadListener
  readonly #host: ThreadHost
  readonly #gone: () => void
  #hasEnded = false
  #isHeard = true

  constructor({ name, clock }: ThreadSettings, load: (module: string) => unknown, listener: ThreadListener, gone: () => void) {
    this.name = name
    this.#clock = clock
    this.#listener = listener
    this.#gone = gone
    this.#host = new ThreadHost({ clock, load, tell: (news) => this.#told(news) })
  }

  tell(order: Order): void {
    const copy = structuredClone(order)
    this.#clock.defer(() => {
      if (!this.#hasEnded) this.#host.hear(copy)
    })
  }

  #told(news: News): void {
    if (this.#hasEnded) return
    const copy = structuredClone(news)
    this.#clock.defer(() => {
      if (this.#isHeard) this.#listener.heard(copy)
    })
  }

  end(gone: () => void): void {
    this.#isHeard = false
    this.#stopHost()
    this.#clock.defer(gone)
  }

  /** As if the thread had died: what it has said before is heard. */
  crash(error: Error): void {
    if (this.#hasEnded) return
    this.#stopHost()
    this.#clock.defer(() => {
      if (this.#isHeard) this.#listener.ended(error)
    })
  }

  #stopHost(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#host.abandon()
    this.#gone()
  }
}

/**
 * Threads for a system on a simulated clock: what would run in a thread runs in this one, on the system's clock, with copied messages. Modules
 * are loaded once, so what they keep outside of their actors is shared.
 */
export class InlineThreads implements ThreadPort {
  readonly #load: (module: string) => unknown
  readonly #running = new Set<InlineThread>()

  /** @param load what a module exports, by its URL; synchronously, where runs are to be repeatable */
  constructor(load: (module: string) => unknown) {
    this.#load = load
  }

  /** Those that have not ended, the first first: for tests that have one crash. */
  get running(): readonly InlineThread[] {
    return [...this.#running]
  }

  open(settings: ThreadSettings, listener: ThreadListener): Thread {
    const thread: InlineThread = new InlineThread(settings, this.#load, listener, () => this.#running.delete(thread))
    this.#running.add(thread)
    return thread
  }
}

import type { Clock } from '../../ports/index.ts'
import type { ActorThread } from './actor-thread.ts'
import type { Lodging } from './lodging.ts'

/** Until a pool gives up waiting for threads that do not end: a call of native code keeps one. */
const STOP_MS = 5_000

/** Whoever has made a pool. */
export interface PoolKeeper {
  /** A new thread; `closed` is told when nobody enters it any more. @throws Error when there is none */
  open(closed: (thread: ActorThread) => void): ActorThread
  /** The pool has been stopped. */
  stopped(): void
}

/** Threads that actors share: each life begins in the one with the fewest. A thread that has ended is replaced when it is needed. */
export class ThreadPool implements Lodging {
  readonly size: number
  readonly #clock: Clock
  readonly #keeper: PoolKeeper
  readonly #threads = new Set<ActorThread>()
  #stopped: Promise<void> | null = null

  /** For the runtime: see `ActorSystem.threadPool`. */
  constructor(size: number, clock: Clock, keeper: PoolKeeper) {
    this.size = size
    this.#clock = clock
    this.#keeper = keeper
  }

  /** Threads that there are. */
  get threads(): number {
    return this.#threads.size
  }

  /** Lives of actors in them. */
  get load(): number {
    return [...this.#threads].reduce((sum, { load }) => sum + load, 0)
  }

  get isClosed(): boolean {
    return this.#stopped !== null
  }

  /** Ends the actors that live in it, for good and in good order, then its threads. No actor starts in it any more. */
  stop(): Promise<void> {
    this.#stopped ??= this.#end()
    return this.#stopped
  }

  async #end(): Promise<void> {
    const lodgers = [...this.#threads].flatMap((thread) => thread.lodgers)
    await Promise.all(lodgers.map((lodger) => new Promise<void>((gone) => lodger.stop(gone))))
    await new Promise<void>((resolve) => {
      const limit = this.#clock.setTimer(STOP_MS, resolve)
      const threads = [...this.#threads]
      let left = threads.length
      const gone = (): void => {
        if (--left > 0) return
        limit.cancel()
        resolve()
      }
      if (left === 0) gone()
      for (const thread of threads) thread.end(gone)
    })
    this.#keeper.stopped()
  }

  threadFor(): ActorThread {
    const [least] = [...this.#threads].toSorted((a, b) => a.load - b.load)
    if (least !== undefined && (least.load === 0 || this.#threads.size >= this.size)) return least
    const thread = this.#keeper.open((closed) => this.#threads.delete(closed))
    this.#threads.add(thread)
    return thread
  }

  left(_thread: ActorThread, done: () => void): void {
    done()
  }
}

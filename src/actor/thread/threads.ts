import { MAX_ACTOR_THREADS } from '../../limits.ts'
import type { Clock } from '../../ports/index.ts'
import { ActorThread } from './actor-thread.ts'
import type { Lodging } from './lodging.ts'
import { checkPoolOptions, checkThreadOptions } from './thread-options.ts'
import type { CheckedThreadOptions, ThreadOptions, ThreadPoolOptions } from './thread-options.ts'
import { ThreadPool } from './thread-pool.ts'
import type { ThreadPort } from './thread-port.ts'

/** A thread for each life, which ends with it. */
class OwnThread implements Lodging {
  readonly isClosed = false
  readonly #open: (path: string) => ActorThread

  constructor(open: (path: string) => ActorThread) {
    this.#open = open
  }

  threadFor(actorPath: string): ActorThread {
    return this.#open(actorPath)
  }

  left(thread: ActorThread, done: () => void): void {
    thread.end(done)
  }
}

/** The threads of a system. */
export class Threads {
  readonly #port: ThreadPort | null
  readonly #clock: Clock
  /** All that there were. */
  readonly #pools = new WeakSet<ThreadPool>()
  readonly #running = new Set<ThreadPool>()
  /** Also of those that are ending. */
  #count = 0

  constructor(port: ThreadPort | null, clock: Clock) {
    this.#port = port
    this.#clock = clock
  }

  /** @throws RangeError, and Error where there are no threads */
  own(options: ThreadOptions): Lodging {
    const checked = checkThreadOptions(options)
    this.#requirePort()
    return new OwnThread((path) => this.#open(checked, path, () => undefined))
  }

  /** @throws RangeError, and Error where there are no threads */
  pool(options: ThreadPoolOptions): ThreadPool {
    const { size, ...checked } = checkPoolOptions(options)
    this.#requirePort()
    const pool: ThreadPool = new ThreadPool(size, this.#clock, {
      open: (closed) => this.#open(checked, 'pool', closed),
      stopped: () => this.#running.delete(pool),
    })
    this.#pools.add(pool)
    this.#running.add(pool)
    return pool
  }

  has(pool: ThreadPool): boolean {
    return this.#pools.has(pool)
  }

  /** Ends the pools. Threads of a single actor end with it. */
  stop(stopped: () => void): void {
    if (this.#running.size === 0) return stopped()
    Promise.all(Array.from(this.#running, (pool) => pool.stop())).then(stopped, stopped)
  }

  #open(options: CheckedThreadOptions, name: string, closed: (thread: ActorThread) => void): ActorThread {
    if (this.#count >= MAX_ACTOR_THREADS)
      throw new Error(`there are ${this.#count} threads, and no more are started: put such actors into a pool`)
    const settings = { ...options, name, clock: this.#clock }
    const thread = new ActorThread(this.#requirePort(), settings, { closed, gone: () => void this.#count-- })
    this.#count++
    return thread
  }

  #requirePort(): ThreadPort {
    if (this.#port === null)
      throw new Error(
        'there are no threads here: an actor in a thread starts none, and a system needs `threads` among its options',
      )
    return this.#port
  }
}

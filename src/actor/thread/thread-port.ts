/** How threads are made: worker threads of Node, or inline on a clock that is simulated. */
import type { Clock } from '../../ports/index.ts'
import type { News, Order } from './thread-messages.ts'

export interface ThreadSettings {
  /** For people. */
  readonly name: string
  /** The system's. */
  readonly clock: Clock
  /** Of its heap of objects; null: what Node allows. */
  readonly maxHeapMb: number | null
  /** A thread whose event loop has not turned for this long is ended. */
  readonly unresponsiveMs: number
}

/** Whoever has a thread made. Never called from within a call of the thread's methods. */
export interface ThreadListener {
  heard(news: News): void
  /** It ended unasked, or was ended since it did not answer. Called once at most, and nothing is heard behind it. */
  ended(error: Error): void
}

/** A thread with a host of actors in it. */
export interface Thread {
  /** Does nothing when it has ended. */
  tell(order: Order): void
  /** Ends it, whatever it is doing; nothing is heard of it any more. `gone` is called when there is nothing left of it. */
  end(gone: () => void): void
}

export interface ThreadPort {
  /** @throws Error when there can be no thread */
  open(settings: ThreadSettings, listener: ThreadListener): Thread
}

import type { Random } from '../lib/index.ts'
import type { Clock } from '../ports/index.ts'
import type { Deadlines } from './deadlines.ts'
import type { Meters } from './meters.ts'
import type { Names } from './names.ts'
import type { RunQueue } from './run-queue.ts'
import type { Threads } from './thread/index.ts'

/** What happened to an actor, for whoever watches the system. */
export interface ActorEvent {
  readonly path: string
  /** `restarted`: somebody wants it restarted. `refused`: it threw a Refusal at a message whose sender does not wait for an answer. */
  readonly event: 'started' | 'failed' | 'given-up' | 'killed' | 'stop-failed' | 'unknown-message' | 'refused' | 'restarted'
  readonly error?: Error
  /** Until it is started again, in milliseconds. */
  readonly pauseMs?: number
}

/** What befalls an actor at a message, in a test: it crashes with it in hand, or has it in hand for so long before it does anything. */
export type Fault = { readonly crash: Error } | { readonly delayMs: number }

export interface Faults {
  /** Null: nothing befalls it. */
  at(path: string, message: string): Fault | null
}

/** What all actors of a system share. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly runQueue: RunQueue
  readonly deadlines: Deadlines
  readonly names: Names
  readonly meters: Meters
  readonly threads: Threads
  readonly report: (event: ActorEvent) => void
  /** Null but in tests. */
  readonly faults: Faults | null
}

import type { RestartNote } from './restart-history.ts'
import type { CircuitState } from './restart-policy.ts'

/** What can be seen of an actor. */
export interface ActorSnapshot {
  readonly path: string
  /** `new` and `starting` until its start has ended; `down` between two lives. */
  readonly phase: 'new' | 'starting' | 'running' | 'ending' | 'down' | 'gone'
  /** Of the present life, in milliseconds; null without one. */
  readonly uptimeMs: number | null
  /** Messages that wait. */
  readonly depth: number
  /** Messages that found the mailbox full, over all its lives. */
  readonly refused: number
  /** Messages that were taken out of the mailbox to be handled, over all its lives. */
  readonly handled: number
  /** How long a message waited for its turn, of the one in 64 that was timed last, in milliseconds; null: of this actor none was, or it has no registered name. */
  readonly waitMs: number | null
  /** Lives behind the first. */
  readonly restarts: number
  /** Failures, over all its lives. */
  readonly failures: number
  readonly circuit: CircuitState
  /** The newest failures and restarts by hand, the last one last. */
  readonly history: readonly RestartNote[]
  readonly children: readonly ActorSnapshot[]
}

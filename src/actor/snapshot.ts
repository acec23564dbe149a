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
  /** Failures, over all its lives. */
  readonly failures: number
  readonly circuit: CircuitState
  /** The newest failures, the last one last. */
  readonly history: readonly RestartNote[]
  readonly children: readonly ActorSnapshot[]
}

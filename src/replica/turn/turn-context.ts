import type { Language } from '../../commands/index.ts'
import type { Clock, Logger } from '../../ports/index.ts'
import type { Raft } from '../../raft/index.ts'
import type { ClusterBinding } from './cluster-binding.ts'
import type { ReplicaMetrics } from './replica-metrics.ts'
import type { TurnLoop } from './turn-loop.ts'

/**
 * What the parts of one replica share. A part names what it uses of the loop and of the core, so that its signature
 * says what it can do to them, and a test stands in for no more than that.
 */
export interface TurnContext<Loop extends keyof TurnLoop = keyof TurnLoop, Core extends keyof Raft = keyof Raft> {
  readonly clock: Clock
  readonly loop: Pick<TurnLoop, Loop>
  readonly raft: Pick<Raft, Core>
  readonly logger: Logger
  readonly metrics: ReplicaMetrics
  readonly cluster: ClusterBinding
  /** What this node can apply: it stops before anything else. */
  readonly language: Language
}

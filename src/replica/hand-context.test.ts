/** What a part of a replica runs in, for the tests of these folders. This file has no tests of its own. */
import { LANGUAGE } from '../commands/index.ts'
import type { Language } from '../commands/index.ts'
import { noMetrics, silentLogger } from '../ports/index.ts'
import type { Clock, Logger, Metrics } from '../ports/index.ts'
import type { Raft } from '../raft/index.ts'
import { ClusterBinding, openReplicaMetrics } from './turn/index.ts'
import type { TurnContext, TurnLoop } from './turn/index.ts'

export interface HandParts<Loop extends keyof TurnLoop, Core extends keyof Raft> {
  readonly loop?: Pick<TurnLoop, Loop>
  readonly raft?: Pick<Raft, Core>
  readonly clock?: Partial<Clock>
  readonly logger?: Logger
  readonly metrics?: Metrics
  readonly cluster?: ClusterBinding
  readonly language?: Language
}

/** A context of which a test gives what the part under test is to use. The clock stands at 0 and runs nothing. */
export function handContext<Loop extends keyof TurnLoop = never, Core extends keyof Raft = never>(
  parts: HandParts<Loop, Core>,
): TurnContext<Loop, Core> {
  const { loop = {}, raft = {}, clock = {}, logger = silentLogger, metrics = noMetrics } = parts
  const stopped: Clock = { now: () => 0, setTimer: () => ({ cancel: () => undefined }), defer: () => undefined }
  return {
    clock: { ...stopped, ...clock },
    loop: loop as Pick<TurnLoop, Loop>,
    raft: raft as Pick<Raft, Core>,
    logger,
    metrics: openReplicaMetrics(metrics),
    cluster: parts.cluster ?? new ClusterBinding('c1'),
    language: parts.language ?? LANGUAGE,
  }
}

/** A loop that runs what it is given at once, catches nothing, and hands failures to the test. */
export function handLoop(
  failed: (error: Error) => void,
  after: () => void = () => undefined,
): Pick<TurnLoop, 'input' | 'guard' | 'fail'> {
  return {
    input: (run) => {
      run()
      after()
      return true
    },
    guard: (run) => run(),
    fail: failed,
  }
}

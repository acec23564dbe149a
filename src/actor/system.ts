import type { Random } from '../lib/index.ts'
import { noMetrics } from '../ports/index.ts'
import type { Clock, Metrics } from '../ports/index.ts'
import { Deadlines } from './deadlines.ts'
import type { ActorDefinition, SpawnArguments, SupervisionSettings } from './definition.ts'
import { Groups } from './groups/index.ts'
import { Meters } from './meters.ts'
import { Names } from './names.ts'
import type { Handlers } from './protocol.ts'
import { refTo } from './reference.ts'
import type { ActorRef } from './reference.ts'
import { Remoting } from './remote/index.ts'
import type { RemoteRef, RemotingOptions } from './remote/index.ts'
import { RunQueue } from './run-queue.ts'
import type { ActorEvent, Faults, Runtime } from './runtime.ts'
import type { ActorSnapshot } from './snapshot.ts'
import { checkFunction, checkKeys, checkObject, readRules, RULES } from './settings.ts'
import { Supervision } from './supervision.ts'
import { Threads } from './thread/index.ts'
import type { ThreadPool, ThreadPoolOptions, ThreadPort } from './thread/index.ts'

export interface ActorSystemOptions {
  readonly clock: Clock
  readonly random: Random
  /** Told of what happens to actors. */
  readonly report?: (event: ActorEvent) => void
  /** Of the actors that the system itself supervises. */
  readonly supervision?: SupervisionSettings
  /** How threads are made, for actors that are to live in some. There are none when absent. */
  readonly threads?: ThreadPort
  /** Where messages, restarts and waiting times are counted; they are there 100 ms later at most. Nowhere when absent. */
  readonly metrics?: Metrics
  /** For tests: what befalls actors. */
  readonly faults?: Faults
}

const OPTIONS: ReadonlySet<string> = new Set([
  'clock',
  'random',
  'report',
  'supervision',
  'threads',
  'metrics',
  'faults',
] satisfies (keyof ActorSystemOptions)[])

/** Actors that share a thread and a clock, and the supervisor of those that have no other. */
export class ActorSystem {
  readonly #root: Supervision
  readonly #names = new Names()
  readonly #runtime: Runtime
  /** Groups of registered actors. */
  readonly groups: Groups
  #remoting: Remoting | null = null

  constructor(options: ActorSystemOptions) {
    checkObject(options, 'the options of a system')
    checkKeys(options, OPTIONS, 'the options of a system')
    const { clock, random, report = () => undefined, supervision, threads, faults, metrics = noMetrics } = options
    checkFunction(report, 'report')
    checkObject(clock, 'clock')
    checkObject(random, 'random')
    const meters = new Meters(metrics, clock)
    const told = (event: ActorEvent): void => {
      meters.happened(event)
      try {
        report(event)
      } catch (error) {
        // It is the program's, and no actor's: it surfaces outside of all of them.
        clock.defer(() => {
          throw error
        })
      }
    }
    const runtime: Runtime = {
      clock,
      random,
      report: told,
      faults: faults ?? null,
      meters,
      runQueue: new RunQueue(clock, () => meters.touch()),
      deadlines: new Deadlines(clock),
      names: this.#names,
      threads: new Threads(threads ?? null, clock),
    }
    this.#runtime = runtime
    this.groups = new Groups(runtime)
    this.#root = new Supervision(runtime, null, supervision === undefined ? RULES : readRules(supervision))
  }

  /** Starts an actor in its own turn, and answers for its restarts. @throws Error when the name is taken */
  spawn<H extends Handlers, A = void>(definition: ActorDefinition<H, A>, ...given: SpawnArguments<A>): ActorRef<H> {
    const [options = {}] = given
    return this.#root.spawn(definition, options)
  }

  /**
   * The actor that was spawned with `registerAs: name`, with the handlers that the caller says it has; undefined when there is none.
   * Its reference stays this actor's: another one that takes the name later is found by asking again.
   */
  named<H extends Handlers>(name: string): ActorRef<H> | undefined {
    const cell = this.#names.get(name)
    return cell === undefined ? undefined : refTo<H>(cell)
  }

  /** Takes part in the links between nodes, until it is closed: from here on the registered actors of each can be reached by the others. */
  connect(options: RemotingOptions): Remoting {
    if (this.#remoting?.isOpen === true) throw new Error('this system has its links to other nodes already')
    this.#remoting = new Remoting(this.#runtime, this.groups, options)
    return this.#remoting
  }

  /**
   * Whoever is registered as `name` on a node, this one included, with the handlers that the caller says it has. @throws TypeError for what is no id or
   * name; Error for a system without links
   */
  remote<H extends Handlers>(nodeId: number, name: string): RemoteRef<H> {
    if (this.#remoting === null) throw new Error('this system has no links to other nodes: it is not connected')
    return this.#remoting.remote<H>(nodeId, name)
  }

  /** What can be seen of all actors: those that the system supervises, with their children below them. */
  snapshot(): readonly ActorSnapshot[] {
    return this.#root.snapshot()
  }

  /** Threads that actors may share: for `thread` in the options of `spawn`. @throws RangeError for a size of less than one, or of too many */
  threadPool(options: ThreadPoolOptions): ThreadPool {
    return this.#runtime.threads.pool(options)
  }

  /** Ends all actors in good order, the newest first, children before parents, and the threads. No more can be started. */
  stop(): Promise<void> {
    return new Promise((resolve) => this.end(resolve))
  }

  /** The same, for those who live by callbacks. */
  end(ended: () => void): void {
    this.#root.stopAll(() => this.#runtime.threads.stop(ended))
  }
}

import { Prng, unreachable } from '../../lib/index.ts'
import { noMetrics } from '../../ports/index.ts'
import type { Clock } from '../../ports/index.ts'
import { Deadlines } from '../deadlines.ts'
import type { ActorDefinition } from '../definition.ts'
import { errorToData } from '../error-data.ts'
import { Meters } from '../meters.ts'
import { Names } from '../names.ts'
import type { Handlers } from '../protocol.ts'
import { RunQueue } from '../run-queue.ts'
import type { ActorEvent, Runtime } from '../runtime.ts'
import { isPromise } from '../soon.ts'
import { Threads } from '../thread/index.ts'
import type { News, Order } from '../thread/index.ts'
import { HostedLife } from './hosted-life.ts'
import type { StartOrder } from './hosted-life.ts'

/** Events of the actor itself that its cell on the other side does not see. */
const OWN_EVENTS: readonly ActorEvent['event'][] = ['unknown-message', 'refused', 'stop-failed']

export interface HostOptions {
  readonly clock: Clock
  /** What a module exports. Rejects, or throws, when it cannot be loaded. */
  readonly load: (module: string) => unknown
  /** Takes what the other side is to hear. */
  readonly tell: (news: News) => void
}

/** The inside of a thread: runs the lives of actors whose mailboxes and supervisors are on the other side. */
export class ThreadHost {
  readonly #options: HostOptions
  readonly #shared: Omit<Runtime, 'random' | 'report'>
  readonly #lives = new Map<number, HostedLife>()

  constructor(options: HostOptions) {
    const { clock } = options
    this.#options = options
    this.#shared = {
      clock,
      runQueue: new RunQueue(clock),
      deadlines: new Deadlines(clock),
      names: new Names(),
      threads: new Threads(null, clock),
      faults: null,
      meters: new Meters(noMetrics, clock),
    }
  }

  hear(order: Order): void {
    if (order.type === 'start') return this.#start(order)
    const life = this.#lives.get(order.life)
    switch (order.type) {
      case 'message':
        return life?.handle(order)
      case 'stop':
        return life?.stop(order.error)
      case 'kill':
        this.#lives.delete(order.life)
        return life?.kill()
      default:
        return unreachable(order)
    }
  }

  /** Ends everything at once, and tells nobody. */
  abandon(): void {
    for (const life of this.#lives.values()) life.kill()
    this.#lives.clear()
  }

  #start(order: StartOrder): void {
    const { life, path } = order
    const runtime: Runtime = {
      ...this.#shared,
      random: new Prng(order.seed),
      report: (event) => {
        if (event.path !== path || OWN_EVENTS.includes(event.event)) this.#options.tell(newsOf(life, event))
      },
    }
    const tell = (news: News): void => {
      if (news.type === 'ended') this.#lives.delete(life)
      this.#options.tell(news)
    }
    this.#lives.set(life, new HostedLife(runtime, order, this.#definition(order), tell))
  }

  /** Loads the module in each life's start, so that what keeps it from being loaded is a failure of the start. */
  #definition({ module, actor }: StartOrder): ActorDefinition<Handlers, unknown> {
    let definition: ActorDefinition<Handlers, unknown> | null = null
    const found = (loaded: unknown): ActorDefinition<Handlers, unknown> => (definition = pick(loaded, module, actor))
    return {
      start: (context, argument) => {
        const loading = this.#options.load(module)
        if (!isPromise(loading)) return found(loading).start(context, argument)
        return Promise.resolve(loading).then((loaded: unknown) => found(loaded).start(context, argument))
      },
      stop: (handlers, reason) => definition?.stop?.(handlers, reason),
    }
  }
}

function pick(loaded: unknown, module: string, actor: string): ActorDefinition<Handlers, unknown> {
  const exported = (Object(loaded) as Readonly<Record<string, unknown>>)[actor]
  const start = (exported as { readonly start?: unknown } | null | undefined)?.start
  if (typeof start === 'function') return exported as ActorDefinition<Handlers, unknown>
  const names = Object.keys(Object(loaded) as object).join(', ')
  const what = exported === undefined ? 'exports nothing of this name' : 'exports something else under this name'
  throw new Error(
    `the definition of an actor is to be ${actor} of ${module}, which ${what}: it has ${names === '' ? 'no exports' : names}`,
  )
}

function newsOf(life: number, { path, event, error, pauseMs }: ActorEvent): News {
  return { type: 'event', life, path, event, error: error === undefined ? null : errorToData(error), pauseMs: pauseMs ?? null }
}

import { CellContext } from '../cell-context.ts'
import type { ActorContext } from '../context.ts'
import type { ActorDefinition, SpawnOptions } from '../definition.ts'
import { Elsewhere, pack } from '../elsewhere.ts'
import type { EndReason } from '../end-reason.ts'
import type { Handlers } from '../protocol.ts'
import { InThread } from './in-thread.ts'
import type { Lodging } from './lodging.ts'
import { ThreadPool } from './thread-pool.ts'
import { ThreadedLife } from './threaded-life.ts'
import type { StartFacts } from './threaded-life.ts'
import type { Threads } from './threads.ts'

type Definition = ActorDefinition<Handlers, unknown>

/** What the lives of an actor in a thread begin with, whichever they are. */
type Placed = Pick<StartFacts, 'module' | 'actor' | 'argument'>

/** Each life of it is one in a thread. */
class ThreadedDefinition extends Elsewhere {
  readonly #lodging: Lodging
  readonly #placed: Placed
  readonly #lives = new WeakMap<Handlers, ThreadedLife>()

  constructor(lodging: Lodging, placed: Placed) {
    super()
    this.#lodging = lodging
    this.#placed = placed
  }

  override async start(context: ActorContext): Promise<Handlers> {
    if (this.#lodging.isClosed) {
      CellContext.of(context).cell.stop(() => undefined)
      throw new Error(`the thread pool of ${context.path} has been stopped: it is started no more`)
    }
    const { cell, life } = CellContext.of(context)
    const threaded = new ThreadedLife(cell, this.#lodging)
    life.keep(threaded)
    const { path, settings, runtime } = cell
    const handlers = await threaded.start({
      ...this.#placed,
      path,
      seed: runtime.random.nextUint32(),
      supervision: pack(settings.supervision, 'supervision'),
    })
    this.#lives.set(handlers, threaded)
    return handlers
  }

  override async stop(handlers: Handlers, reason: EndReason): Promise<void> {
    await this.#lives.get(handlers)?.end(reason)
  }
}

/**
 * The definition that an actor is spawned with, in its place.
 * @throws TypeError, RangeError, Error when it cannot be placed as the options say
 */
export function place<A>(threads: Threads, definition: Definition, options: SpawnOptions<A>): Definition {
  const { thread, argument, supervision } = options
  if (!(definition instanceof InThread)) {
    if (thread === undefined) return definition
    throw new TypeError('`thread` is for definitions that inThread(url, name) makes: the functions of this one do not cross')
  }
  const { module, actor } = definition
  if (supervision?.mayRestart !== undefined)
    throw new TypeError('supervision.mayRestart is a function, and cannot go with an actor that is to live in a thread')
  return new ThreadedDefinition(lodgingOf(threads, thread), { module, actor, argument: pack(argument, 'argument') })
}

function lodgingOf(threads: Threads, thread: SpawnOptions['thread'] = 'own'): Lodging {
  if (thread === 'own') return threads.own({})
  if (typeof thread !== 'object' || thread === null)
    throw new TypeError(`thread is ${String(thread)}: give 'own', options for a thread of its own, or a pool of this system`)
  if (!(thread instanceof ThreadPool)) return threads.own(thread)
  if (!threads.has(thread)) throw new TypeError('this pool of threads is of another system')
  if (thread.isClosed) throw new Error('this pool of threads has been stopped')
  return thread
}

import type { ActorContext } from '../context.ts'
import type { ActorDefinition } from '../definition.ts'
import type { Handlers } from '../protocol.ts'

/** Any definition, for its types. */
interface AnyDefinition {
  readonly start: (context: ActorContext, argument: never) => Handlers | PromiseLike<Handlers>
}

type HandlersOf<D extends AnyDefinition> = Awaited<ReturnType<D['start']>>
type ArgumentOf<D extends AnyDefinition> = Parameters<D['start']> extends [unknown, infer A] ? A : void

/** A definition by the place where a thread finds it. */
export class InThread<H extends Handlers, A> implements ActorDefinition<H, A> {
  /** The URL of the module. */
  readonly module: string
  /** What it exports there. */
  readonly actor: string

  constructor(module: string, actor: string) {
    this.module = module
    this.actor = actor
  }

  /** Of the actors that this is the definition of; the runtime puts another one in its place. */
  readonly start: ActorDefinition<H, A>['start'] = () => {
    throw new Error(`${this.actor} of ${this.module} runs in a thread: give this definition to spawn`)
  }
}

/**
 * The definition of actors that run in a thread: an ordinary one, which `module` exports as `actor`. Nothing else reaches a thread, for
 * functions do not cross.
 *
 *   system.spawn(inThread<typeof resizer>(new URL('./resizer.ts', import.meta.url), 'resizer'), { thread: pool })
 *
 * @throws TypeError when it names no file, or no export
 */
export function inThread<D extends AnyDefinition>(module: URL, actor: string): InThread<HandlersOf<D>, ArgumentOf<D>> {
  if (!(module instanceof URL) || module.protocol !== 'file:')
    throw new TypeError(`inThread takes the URL of a file, not ${String(module)}: give new URL('./my-actor.ts', import.meta.url)`)
  if (typeof actor !== 'string' || actor === '')
    throw new TypeError('inThread takes the name of an export of the module as its second argument')
  return new InThread(module.href, actor)
}

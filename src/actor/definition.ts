import type { ActorContext } from './context.ts'
import type { EndReason } from './end-reason.ts'
import type { Handlers } from './protocol.ts'
import type { RestartSettings } from './restart-policy.ts'
import type { ThreadOptions, ThreadPool } from './thread/index.ts'

/** How an actor comes to life. One definition serves any number of actors. */
export interface ActorDefinition<H extends Handlers, A = void> {
  /**
   * Begins a life, of the first or after a failure: what it returns handles the messages. The first message waits for its promise.
   * Whatever it throws is a failure like any other.
   */
  readonly start: (context: ActorContext, argument: A) => H | PromiseLike<H>
  /**
   * Ends a life, after its children have ended: lets go of what it holds. The next life waits for what it returns, and it has `shutdownMs`. Called once
   * for what a start has made, unless the life is killed behind that. For a start that ends when its life is over, because it was too slow or failed
   * beside it, it is called then, with the reason of that, beside whatever life there is.
   */
  readonly stop?: (handlers: H, reason: EndReason) => void | PromiseLike<void>
}

/**
 * When an actor is started again: permanent, whenever its life ends, also when it has stopped itself, which counts as a failure does; transient,
 * when its life ends by a failure, or is killed; temporary, never. Who stops it by a reference ends it for good, whatever it is.
 */
export type Restart = 'permanent' | 'transient' | 'temporary'

/** Who is restarted when a child fails: it alone; all; it and those that were started after it. */
export type Strategy = 'one-for-one' | 'one-for-all' | 'rest-for-one'

/** How an actor treats its children. */
export interface SupervisionSettings {
  /** One-for-one when absent. */
  readonly strategy?: Strategy
  /** Those of the specification where absent. With a circuit of `null`, a child that fails too often is a failure of its parent. */
  readonly restarts?: Partial<RestartSettings>
  /** Whether a child that failed may be started again at all; when it may not, it is gone for good. Always when absent. */
  readonly mayRestart?: (error: Error, child: string) => boolean
}

export interface SpawnOptions<A = void> {
  /** What it is called among its siblings. A number when absent. */
  readonly name?: string
  /** What it is called in the whole system, until it is gone for good: see `ActorSystem.named`. */
  readonly registerAs?: string
  /** Given to every life's start. */
  readonly argument?: A
  /** Permanent when absent. */
  readonly restart?: Restart
  /** Messages that wait; 1,000 when absent. */
  readonly mailboxCapacity?: number
  /** Messages that find room beyond the capacity: they must not be kept out by many others. */
  readonly reserve?: { readonly messages: readonly string[]; readonly room: number }
  /** False: what waits when a life ends, one way or the other, is refused and not left to the next one. True when absent. */
  readonly keepsMessages?: boolean
  /** Told of each message without a caller that was taken and will not be handled. */
  readonly onDropped?: (message: string, body: unknown) => void
  /** Until it has to have stopped, in milliseconds; 5,000 when absent. */
  readonly shutdownMs?: number
  readonly supervision?: SupervisionSettings
  /** Where an actor lives that `inThread` defines: in a thread of its own, as when absent, or in one of a pool. */
  readonly thread?: 'own' | ThreadOptions | ThreadPool
}

/** What follows the definition where an actor is spawned: one whose lives begin with an argument is given it, as far as its type is known. */
export type SpawnArguments<A> = [A] extends [never]
  ? [options?: SpawnOptions<A>]
  : undefined extends A
    ? [options?: SpawnOptions<A>]
    : [options: SpawnOptions<A> & { readonly argument: A }]

/** Keeps the types of a definition together; does nothing. */
export function defineActor<H extends Handlers, A = void>(definition: ActorDefinition<H, A>): ActorDefinition<H, A> {
  return definition
}

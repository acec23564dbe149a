import type { Random } from '../lib/index.ts'
import type { Timer } from '../ports/index.ts'
import type { ActorDefinition, SpawnArguments } from './definition.ts'
import type { Handlers } from './protocol.ts'
import type { ActorRef } from './reference.ts'
import type { LifeEvent, Target, Watch } from './target.ts'

/** What one life of an actor may use. When the life is over it does nothing any more. */
export interface ActorContext {
  /** Where it stands: the names from the root, such as `/raft/rpc`. */
  readonly path: string
  readonly random: Random
  /** Monotonic milliseconds. */
  now(): number
  /** The actor itself, for others to write to. What it asks of itself by this, such as its end, it may wait for in a handler. */
  self<H extends Handlers>(): ActorRef<H>
  /** For a handler that waits: resolves in `delayMs`; never, when this life ends before. Counts among the timers: see `after`. */
  sleep(delayMs: number): Promise<void>
  /**
   * Runs `run` between two messages, in `delayMs`, unless this life ends before. An error of it is a crash. It is not run beside a handler: one
   * that waits for it waits for itself. Does nothing when it was cancelled before its turn. @throws ActorError OVERLOADED when 100,000 timers of this
   * life have not run yet
   */
  after(delayMs: number, run: () => void): Timer
  /** A child: it ends before this life does, and this actor supervises it. */
  spawn<H extends Handlers, A = void>(definition: ActorDefinition<H, A>, ...given: SpawnArguments<A>): ActorRef<H>
  /**
   * This life's messages are handled when `turns` calls back, and not in the turns that all actors share: for those whose messages belong into
   * a turn of something else. A callback after the life is over does nothing.
   */
  handleIn(turns: (run: () => void) => void): void
  /** This life has failed, says something that is no message of its own: it ends soon as it would if a handler threw `error`. */
  fail(error: Error): void
  /**
   * Has `listener` told, between two messages, whenever a life of the target ends, and when it lives again; at once, if it does not live now.
   * Ends with this life. What came and went unheard, while this actor was busy, is left out. An error of the listener is a crash.
   */
  monitor(target: Target, listener: (event: LifeEvent) => void): Watch
  /**
   * Links this life to one of another actor, the present one or, if it has none, the next: when one of the two crashes or is killed, the other
   * crashes. Ends with the first of them that ends. @throws ActorError DOWN when the other is gone; TypeError for what is no reference to an
   * actor of this node
   */
  link(ref: Target): void
  /**
   * Aborted soon after this life is over: for what goes on in its name, such as a request of a handler that was killed, or a start that was too slow.
   */
  readonly signal: AbortSignal
  /**
   * Ends this life in good order, when the message at hand is done with. The actor is gone with it, unless it is permanent: that is started again,
   * after a pause as after a failure, and handles what waits. To end it for good whatever it is: `context.self().stop()`.
   */
  stop(): void
}

import type { ActorThread } from './actor-thread.ts'

/** Where the lives of an actor find their thread. */
export interface Lodging {
  /** Nobody finds one any more. */
  readonly isClosed: boolean
  /** The thread for a life that is about to begin. @throws Error when there is none */
  threadFor(actorPath: string): ActorThread
  /** A life has left its thread; `done` is called when what is to end with it has. */
  left(thread: ActorThread, done: () => void): void
}

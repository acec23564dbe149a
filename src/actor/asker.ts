import type { ActorError } from './actor-error.ts'

/** Whoever is to hear what becomes of a message, as its receiver sees him: a caller on this node, or a peer of another. */
export interface Asker {
  /** He hears nothing more: he has his answer, or wants none. */
  readonly settled: boolean
  /** Whoever keeps him, for when he is settled. */
  keptBy: Set<Asker> | null
  /** The message is in hand now. False: nobody waits for it any more, and was told that it was not handled; so it is not. */
  begin(): boolean
  answer(value: unknown): void
  refuse(error: Error): void
  /** The receiver goes on to other messages, and answers later. */
  postponed?(): void
  /** The receiver failed with the message in hand. Who has no use for the difference is refused. */
  failed?(error: ActorError): void
}

/** What a sender learns instead of an answer, or who starts an actor. */
export type ActorErrorCode =
  /** The mailbox is full, or stayed so until the deadline: the message was not taken. */
  | 'OVERLOADED'
  /** There is no such actor (any more), or its circuit is open: the message was not handled. */
  | 'DOWN'
  /** It failed, or was ended, with the message in hand: what was done of it is not known. */
  | 'CRASHED'
  /** No answer came in time. `begun` in the error says whether the message may be handled, or have been. */
  | 'DEADLINE_EXCEEDED'
  /** It handles no message of this name. */
  | 'UNKNOWN_MESSAGE'
  /** There is no link to its node, or that node refuses to talk: not handled; or the link was lost with the message on its way, and it may be. */
  | 'UNREACHABLE'
  /** What should leave this node, or this thread, is no plain data; with `begun`, it is the answer. */
  | 'UNSENDABLE'
  /** Another actor has the name. Thrown by `spawn`, to no sender. */
  | 'NAME_TAKEN'

export interface ActorErrorFacts {
  /** Whether the actor had the message in hand. */
  readonly begun?: boolean
  readonly cause?: unknown
}

/** The one error type of the actor runtime. A caller is told of nothing else, but what a handler refuses with. */
export class ActorError extends Error {
  override readonly name = 'ActorError'
  readonly code: ActorErrorCode
  readonly begun: boolean
  readonly #isActorError = true

  constructor(code: ActorErrorCode, message: string, { begun = false, cause }: ActorErrorFacts = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.begun = begun
  }

  /** For the runtime: whether it is one, whatever it is; who asks runs nothing of a program. */
  static is(thrown: unknown): thrown is ActorError {
    return typeof thrown === 'object' && thrown !== null && #isActorError in thrown && thrown.#isActorError
  }
}

/**
 * Thrown by a handler that will not do what it was asked: the caller gets it, and the actor goes on. Any other error is a crash.
 */
export class Refusal extends Error {
  override readonly name: string = 'Refusal'
  readonly #isRefusal = true

  /** For the runtime: whether it is one, whatever it is; who asks runs nothing of a program. */
  static is(thrown: unknown): thrown is Refusal {
    return typeof thrown === 'object' && thrown !== null && #isRefusal in thrown && thrown.#isRefusal
  }
}

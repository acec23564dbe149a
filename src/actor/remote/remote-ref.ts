import { MAX_REMOTE_CALL_MS } from '../../limits.ts'
import { ActorError } from '../actor-error.ts'
import { encodePlainData, PlainDataError } from '../plain-data/index.ts'
import type {
  AnswerOf,
  BodyOf,
  CallArguments,
  CallOptions,
  Handlers,
  handles,
  MessageOf,
  SendArguments,
  SendOptions,
} from '../protocol.ts'
import { timeoutOf } from '../reference.ts'
import { watchLives } from '../target.ts'
import type { LifeEvent, Target, Watch } from '../target.ts'
import { sayRemote } from './remote-errors.ts'
import type { Route } from './route.ts'
import { isMessageName } from './statements.ts'

/**
 * Whoever is registered under a name on another node, or this one. It stays the same over restarts of the actor, of the node and of the link, and
 * is whoever has the name at the time. Messages are plain data, and are copied. At most once, and in the order in which one node sends them
 * to one name. Its errors are ActorErrors: UNREACHABLE at once where there is no link, UNSENDABLE for what is no plain data.
 */
export interface RemoteRef<H extends Handlers> extends Target {
  readonly [handles]?: H
  readonly nodeId: number
  readonly name: string
  /** Sends a message; false when it did not leave: its receiver is too slow, or there is no link. Never waits. @throws ActorError UNSENDABLE */
  trySend<K extends MessageOf<H>>(message: K, ...body: BodyOf<H, K>): boolean
  /** The same, for those who do not expect to be refused. @throws ActorError OVERLOADED, UNREACHABLE, UNSENDABLE: it did not leave */
  cast<K extends MessageOf<H>>(message: K, ...body: BodyOf<H, K>): void
  /** Sends a message as soon as its receiver is fast enough for it. Resolves when it has left, which does not say that it arrives. */
  send<K extends MessageOf<H>>(message: K, ...given: SendArguments<H, K>): Promise<void>
  /** Waits for the answer, ten minutes at most whatever `timeoutMs` is. @throws ActorError whatever it was that kept the answer; Refusal, with the words of the handler's */
  call<K extends MessageOf<H>>(message: K, ...given: CallArguments<H, K>): Promise<AnswerOf<H, K>>
}

/** Without the types of the messages: what they say holds of the handlers that the program names. */
class UntypedRemoteRef {
  readonly nodeId: number
  readonly name: string
  readonly #route: Route

  constructor(nodeId: number, name: string, route: Route) {
    this.nodeId = nodeId
    this.name = name
    this.#route = route
  }

  /** Where it stands, for people. */
  get path(): string {
    return `${this.nodeId}@${this.name}`
  }

  trySend(message: string, body?: unknown): boolean {
    return this.#route.trySend(this.name, message, this.#encode(message, body))
  }

  cast(message: string, body?: unknown): void {
    this.#route.cast(this.name, message, this.#encode(message, body))
  }

  // Whatever is wrong with what is given is heard where the answer is, as it is of an actor of this node.

  async send(message: string, body?: unknown, options?: SendOptions): Promise<void> {
    return this.#route.send(this.name, message, this.#encode(message, body), timeoutOf(options))
  }

  call(message: string, body?: unknown, options?: CallOptions): Promise<unknown> {
    const timeoutMs = Math.min(timeoutOf(options), MAX_REMOTE_CALL_MS)
    let bytes: Uint8Array
    try {
      bytes = this.#encode(message, body)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      return Promise.reject(error)
    }
    return this.#route.call(this.name, message, bytes, timeoutMs)
  }

  [watchLives](told: (event: LifeEvent) => void): Watch {
    return this.#route.watch(this.name, told)
  }

  #encode(message: string, body: unknown): Uint8Array {
    if (!isMessageName(message)) {
      const words = 'the name of a message is a string of 1 to 128 characters'
      throw new ActorError('UNSENDABLE', `${sayRemote('a message', this.name, `node ${this.nodeId}`)}: ${words}`)
    }
    try {
      return encodePlainData(body)
    } catch (error) {
      if (!(error instanceof PlainDataError)) throw error
      const what = sayRemote(message, this.name, `node ${this.nodeId}`)
      throw new ActorError('UNSENDABLE', `${what}: ${error.message}`, { cause: error })
    }
  }
}

/** For the runtime: a reference to the actors that have this name, which the program says have these handlers. */
export function remoteRefTo<H extends Handlers>(nodeId: number, name: string, route: Route): RemoteRef<H> {
  return new UntypedRemoteRef(nodeId, name, route) as unknown as RemoteRef<H>
}

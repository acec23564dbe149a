import type { ActorError } from '../actor-error.ts'
import type { LifeEvent, Watch } from '../target.ts'
import { remoteError, sayRemote } from './remote-errors.ts'
import type { Route } from './route.ts'
import type { Talk } from './talk.ts'

/** The nodes that are linked, as those see them who write to them. */
export interface LinkedNodes {
  /** A talk that is on; or why there is none, in words. */
  talkWith(nodeId: number): Talk | string
  watch(nodeId: number, name: string, told: (event: LifeEvent) => void): Watch
}

/** To the named actors of another node. Where there is no link nothing waits for one: who sends knows best where else to turn, or when to come again. */
export class NodeRoute implements Route {
  readonly #nodes: LinkedNodes
  readonly #nodeId: number

  constructor(nodes: LinkedNodes, nodeId: number) {
    this.#nodes = nodes
    this.#nodeId = nodeId
  }

  trySend(name: string, message: string, body: Uint8Array): boolean {
    const talk = this.#nodes.talkWith(this.#nodeId)
    return typeof talk !== 'string' && talk.asking.trySend(name, message, body)
  }

  cast(name: string, message: string, body: Uint8Array): void {
    const talk = this.#nodes.talkWith(this.#nodeId)
    if (typeof talk === 'string') throw this.#unreachable(talk, name, message)
    if (!talk.asking.trySend(name, message, body))
      throw remoteError('OVERLOADED', this.#say(name, message), 'it was not sent: its receiver is slower than its senders')
  }

  send(name: string, message: string, body: Uint8Array, timeoutMs: number): Promise<void> {
    const talk = this.#nodes.talkWith(this.#nodeId)
    return typeof talk === 'string'
      ? Promise.reject(this.#unreachable(talk, name, message))
      : talk.asking.send(name, message, body, timeoutMs)
  }

  call(name: string, message: string, body: Uint8Array, timeoutMs: number): Promise<unknown> {
    const talk = this.#nodes.talkWith(this.#nodeId)
    return typeof talk === 'string'
      ? Promise.reject(this.#unreachable(talk, name, message))
      : talk.asking.call(name, message, body, timeoutMs)
  }

  watch(name: string, told: (event: LifeEvent) => void): Watch {
    return this.#nodes.watch(this.#nodeId, name, told)
  }

  #unreachable(words: string, name: string, message: string): ActorError {
    return remoteError('UNREACHABLE', this.#say(name, message), `it was not sent: ${words}`)
  }

  #say(name: string, message: string): string {
    return sayRemote(message, name, `node ${this.#nodeId}`)
  }
}

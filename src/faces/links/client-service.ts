import { AspenError } from '../../api/index.ts'
import { assert } from '../../lib/index.ts'
import {
  MAX_CLIENT_ANSWER_BYTES,
  MAX_CLIENT_LINK_ANSWER_BYTES,
  MAX_CLIENT_LINKS,
  MAX_CLIENT_REQUEST_BYTES,
  MAX_RPC_MESSAGE_SIZE,
} from '../../limits.ts'
import { noMetrics } from '../../ports/index.ts'
import type { Clock, Metrics, ServedLink, ServedProtocol } from '../../ports/index.ts'
import { CLIENT_PROTOCOL } from '../../wire/index.ts'
import type { UnknownMessageError } from '../../wire/index.ts'
import type { LinkedStore } from './answer-request.ts'
import { ClientConnection } from './client-connection.ts'
import type { Admission } from './client-connection.ts'

/** A program that computes for a while is not gone: clients are given up later than peers are. */
const KEEP_ALIVE_MS = 1_000
/** Behind the last large answer there is room for the small ones that say why there is no room. */
const SMALL_ANSWERS_BYTES = 1024 * 1024
/** How long a stopping node waits for the answers to what it has taken on. */
const DRAIN_MS = 1_000
/** Below this a link's answers are not looked at together with all others'. */
const UNNOTICED_BYTES = 256 * 1024

/** What the service holds for its clients. A test gives less, to be at its bounds with little. */
export interface ClientLimits {
  /** Bytes of the unanswered requests of all clients. */
  readonly requestBytes: number
  /** Bytes of answers that one client, and all together, have not taken yet; and below which nobody looks at all together. */
  readonly linkAnswerBytes: number
  readonly answerBytes: number
  readonly unnoticedBytes: number
}

const CLIENT_LIMITS: ClientLimits = {
  requestBytes: MAX_CLIENT_REQUEST_BYTES,
  linkAnswerBytes: MAX_CLIENT_LINK_ANSWER_BYTES,
  answerBytes: MAX_CLIENT_ANSWER_BYTES,
  unnoticedBytes: UNNOTICED_BYTES,
}

export interface ClientServiceOptions {
  readonly clock: Clock
  readonly metrics?: Metrics
  /** Connections of clients at a time. */
  readonly maxLinks?: number
  readonly keepAliveMs?: number
  readonly limits?: Partial<ClientLimits>
}

/**
 * Serves the key-value store of this node over links of the protocol `aspen/client/1`: many requests at a time on each,
 * answered in any order. What it holds for its clients is bounded, by link and for all together.
 */
export class ClientService implements ServedProtocol, Admission {
  readonly protocol = CLIENT_PROTOCOL
  readonly maxLinks: number
  readonly maxQueueBytes: number
  readonly keepAliveMs: number
  readonly #limits: ClientLimits
  readonly #clock: Clock
  readonly #metrics: Metrics
  readonly #connections = new Map<ServedLink, ClientConnection>()
  #store: LinkedStore | undefined
  #requestBytes = 0
  #closing = false
  #drained: (() => void) | undefined

  constructor(options: ClientServiceOptions) {
    this.#limits = { ...CLIENT_LIMITS, ...options.limits }
    this.maxQueueBytes = this.#limits.linkAnswerBytes + SMALL_ANSWERS_BYTES
    this.#clock = options.clock
    this.#metrics = options.metrics ?? noMetrics
    this.maxLinks = options.maxLinks ?? MAX_CLIENT_LINKS
    this.keepAliveMs = options.keepAliveMs ?? KEEP_ALIVE_MS
  }

  /** What the requests are about; to be called before the first link can open. */
  serve(store: LinkedStore): void {
    this.#store = store
  }

  opened(link: ServedLink): void {
    assert(this.#store !== undefined, 'the service has a store before it has clients')
    this.#connections.set(link, new ClientConnection(link, this.#store, this))
  }

  message(link: ServedLink, bytes: Uint8Array): void {
    this.#connections.get(link)?.receive(bytes)
  }

  ended(link: ServedLink): void {
    const connection = this.#connections.get(link)
    this.#connections.delete(link)
    connection?.end()
  }

  /** Waits for the answers to what was taken on; what comes now is refused. Then tells every client that it was the last. */
  async closing(): Promise<void> {
    this.#closing = true
    if (!this.#isIdle()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#drained = resolve
      const deadline = this.#clock.setTimer(DRAIN_MS, resolve)
      await promise
      deadline.cancel()
    }
    for (const connection of this.#connections.values()) connection.sayDrained()
  }

  // --- What connections ask ---

  admit(size: number): AspenError | undefined {
    if (this.#closing) return new AspenError('STOPPING', 'this node is shutting down; ask another one')
    if (this.#requestBytes + size <= this.#limits.requestBytes) {
      this.#requestBytes += size
      return undefined
    }
    return this.overloaded('client_requests', `the requests of all clients have ${this.#requestBytes} bytes already`)
  }

  release(size: number): void {
    this.#requestBytes -= size
    if (this.#drained !== undefined && this.#isIdle()) this.#drained()
  }

  hasRoom(link: ServedLink, size: number): boolean {
    const backlog = link.backlogBytes + size
    const { unnoticedBytes, linkAnswerBytes, answerBytes } = this.#limits
    if (backlog <= unnoticedBytes) return true
    if (backlog > linkAnswerBytes || size > MAX_RPC_MESSAGE_SIZE) return false
    return this.#backlogBytes() + size <= answerBytes
  }

  isOverfull(link: ServedLink): boolean {
    const { unnoticedBytes, linkAnswerBytes, answerBytes } = this.#limits
    if (link.backlogBytes <= unnoticedBytes) return false
    return this.#backlogBytes() > answerBytes + linkAnswerBytes
  }

  unknown({ part }: UnknownMessageError): void {
    this.#metrics.counter('aspen_client_messages_refused_total', { reason: part }).add()
  }

  broken(error: unknown): void {
    this.#clock.defer(() => {
      throw error
    })
  }

  overloaded(queue: string, message: string): AspenError {
    this.#metrics.counter('aspen_overloaded_total', { queue }).add()
    return new AspenError('OVERLOADED', `${message}; try again later`, { queue })
  }

  #backlogBytes(): number {
    let all = 0
    for (const link of this.#connections.keys()) all += link.backlogBytes
    return all
  }

  #isIdle(): boolean {
    for (const connection of this.#connections.values()) if (connection.unanswered > 0) return false
    return true
  }
}

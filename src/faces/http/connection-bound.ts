import type { Server, Socket } from 'node:net'
import { AspenError } from '../../api/index.ts'
import type { ConnectionEvent } from './tls.ts'

export interface ConnectionLimits {
  readonly served: number
  readonly surplus: number
}

export interface ConnectionBoundOptions extends ConnectionLimits {
  readonly event?: ConnectionEvent
}

/** Counts open connections, and knows those that came when there were as many as may be. */
export class ConnectionBound {
  readonly #served: number
  readonly #surplus = new WeakSet<object>()
  #open = 0
  #none: PromiseWithResolvers<void> | null = null

  /** `cut` is called for each connection that was closed without having been heard. */
  constructor(server: Server, { served, surplus, event = 'connection' }: ConnectionBoundOptions, cut: () => void) {
    this.#served = served
    server.maxConnections = served + surplus
    server.on(event, (socket: Socket) => this.#count(socket))
    server.on('drop', cut)
  }

  /** Why a request on this connection is refused, or undefined. */
  refusal(socket: object): AspenError | undefined {
    if (!this.#surplus.has(socket)) return undefined
    return new AspenError('OVERLOADED', `this node has ${this.#served} HTTP connections open already: ask another one`, {
      queue: 'http_connections',
    })
  }

  /** Resolves when no connection is open. */
  async none(): Promise<void> {
    if (this.#open === 0) return
    this.#none ??= Promise.withResolvers<void>()
    await this.#none.promise
  }

  #count(socket: Socket): void {
    this.#open++
    if (this.#open > this.#served) this.#surplus.add(socket)
    socket.once('close', () => {
      if (--this.#open === 0) this.#none?.resolve()
    })
  }
}

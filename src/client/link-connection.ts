import type { LinkDialer } from '../net/direct/dial/index.ts'
import { LinkCall } from './link-call.ts'
import type { LinkOutcome, RequestBody } from './link-call.ts'
import { dialFailure, endedFailure } from './link-failure.ts'
import type { LinkFailure } from './link-failure.ts'
import type { LinkEndpoint } from './link-options.ts'
import { LinkSession } from './link-session.ts'

export interface LinkConnectionOptions {
  readonly endpoint: LinkEndpoint
  /** Made once for all nodes, when the first of them is asked. */
  readonly dialer: () => Promise<LinkDialer>
  readonly maxInFlight: number
  readonly keepAliveMs: number
}

/** The way to one node: at most one link, made when there is something to ask, and the calls that wait for it. */
export class LinkConnection {
  readonly #options: LinkConnectionOptions
  readonly #waiting = new Set<LinkCall>()
  #session: LinkSession | undefined
  #dialing: AbortController | undefined
  #closed = false

  constructor(options: LinkConnectionOptions) {
    this.#options = options
  }

  /** Asks the node. `waitMs` is how long the request may wait for a link with room, of `budgetMs` in all. */
  exchange(body: RequestBody, size: number, waitMs: number, budgetMs: number): Promise<LinkOutcome> {
    return new Promise((resolve) => {
      const expired = (call: LinkCall): void => {
        if (!this.#waiting.delete(call)) this.#session?.forget(call)
      }
      const call = new LinkCall({ body, size, waitMs, budgetMs, settled: resolve, expired })
      this.#waiting.add(call)
      if (this.#session === undefined) this.#dial()
      else this.#sendWaiting()
    })
  }

  close(): void {
    this.#closed = true
    this.#dialing?.abort()
    this.#session?.close()
    this.#failWaiting(endedFailure(undefined, false))
  }

  readonly #sendWaiting = (): void => {
    const session = this.#session
    if (session === undefined) return
    for (const call of this.#waiting) {
      if (!session.hasRoomFor(call) || !session.send(call)) return
      this.#waiting.delete(call)
    }
  }

  #dial(): void {
    if (this.#dialing !== undefined || this.#closed) return
    const controller = new AbortController()
    this.#dialing = controller
    this.#open(controller.signal).then(
      (session) => {
        this.#dialing = undefined
        this.#session = session
        if (this.#closed) session.close()
        else this.#sendWaiting()
      },
      (error: unknown) => {
        this.#dialing = undefined
        this.#failWaiting(dialFailure(error as Error))
      },
    )
  }

  async #open(signal: AbortSignal): Promise<LinkSession> {
    const { endpoint, dialer, maxInFlight, keepAliveMs } = this.#options
    let failure: Error | undefined
    const session = new LinkSession({
      maxInFlight,
      keepAliveMs,
      roomy: this.#sendWaiting,
      ended: (ended, error) => {
        failure = error
        this.#onEnded(ended, error)
      },
    })
    const { endpointId, address } = endpoint
    const link = await (await dialer()).dial({ endpointId, addresses: [address], signal }, session)
    session.begin(link)
    if (session.hasEnded) throw failure ?? new Error('the node closed the link as soon as it was made')
    return session
  }

  /** What waits was not sent: another node may be asked for it, or this one once more. */
  #onEnded(session: LinkSession, error: Error | undefined): void {
    if (this.#session !== session) return
    this.#session = undefined
    this.#failWaiting(endedFailure(error, false))
  }

  #failWaiting(failure: LinkFailure): void {
    const calls = [...this.#waiting]
    this.#waiting.clear()
    for (const call of calls) call.settle(failure)
  }
}

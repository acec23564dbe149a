import type { AspenError } from '../api/index.ts'
import type { ClientAnswer, ClientRequest } from '../wire/index.ts'
import { ANSWER_GRACE_MS } from './exchange.ts'
import { timeoutFailure } from './link-failure.ts'
import type { LinkFailure } from './link-failure.ts'

/** A request without what is only known when it leaves. */
export type RequestBody = ClientRequest extends infer Each
  ? Each extends ClientRequest
    ? Omit<Each, 'id' | 'timeoutMs'>
    : never
  : never

/** What a node answered, or why nothing came. */
export type LinkOutcome = Exclude<ClientAnswer, { readonly type: 'drained' }> | LinkFailure | AspenError

export interface LinkCallOptions {
  readonly body: RequestBody
  /** Bytes it counts as, while it is unanswered. */
  readonly size: number
  /** Milliseconds that it may wait for a link with room. */
  readonly waitMs: number
  /** Milliseconds for everything. */
  readonly budgetMs: number
  readonly settled: (outcome: LinkOutcome) => void
  /** Time is up. Whoever keeps the call lets go of it. */
  readonly expired: (call: LinkCall) => void
}

/** One request on its way: settled exactly once, by its deadline at the latest. */
export class LinkCall {
  readonly size: number
  readonly body: RequestBody
  /** The number it has on its link; 0 until it is sent. */
  id = 0
  readonly #options: LinkCallOptions
  readonly #deadline: number
  #timer: NodeJS.Timeout

  constructor(options: LinkCallOptions) {
    this.#options = options
    this.size = options.size
    this.body = options.body
    this.#deadline = performance.now() + options.budgetMs
    this.#timer = this.#expireAfter(Math.min(options.waitMs, options.budgetMs))
  }

  /** Milliseconds that the node may take: whole ones, 1 at least. */
  get leftMs(): number {
    return Math.max(1, Math.ceil(this.#deadline - performance.now()))
  }

  sent(id: number): void {
    this.id = id
    clearTimeout(this.#timer)
    this.#timer = this.#expireAfter(this.leftMs + ANSWER_GRACE_MS)
  }

  settle(outcome: LinkOutcome): void {
    clearTimeout(this.#timer)
    this.#options.settled(outcome)
  }

  #expireAfter(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#options.expired(this)
      this.settle(timeoutFailure(Math.round(delayMs), this.id !== 0))
    }, Math.ceil(delayMs))
  }
}

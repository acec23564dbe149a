/** Asks nodes over HTTP. */
import { AspenError } from '../api/index.ts'
import { MAX_REQUEST_TIMEOUT_MS } from '../limits.ts'
import { MalformedAnswer, objectIn, refusalIn } from './answers.ts'
import type { JsonObject } from './answers.ts'
import { Attempts } from './attempts.ts'
import type { Attempt, Surroundings } from './attempts.ts'
import { ANSWER_GRACE_MS, Connections, ExchangeFailure } from './exchange.ts'
import type { Answer, Exchanges } from './exchange.ts'
import type { HttpClientOptions } from './http-options.ts'

/** What a client stands in, where that is not the real world. */
export interface CallerWorld extends Surroundings {
  readonly exchanges: Exchanges
}

export interface Call<T> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Without its timeout, which is what is left when it is sent; null for a GET. */
  readonly body: object | null
  /** Whether asking twice does no more than asking once. */
  readonly repeatable: boolean
  /** Whether it changes something. False when absent. */
  readonly changes?: boolean
  /** About the first node alone, and of no use to another one. */
  readonly pinned?: boolean
  /** Whether the route takes "timeout_ms". True when absent. */
  readonly timed?: boolean
  /** Whether an answer that is not 200 is read like one. False when absent. */
  readonly anyStatus?: boolean
  readonly timeoutMs?: number | undefined
  read(json: JsonObject): T
}

export class Caller {
  readonly #urls: readonly URL[]
  readonly #options: HttpClientOptions
  readonly #exchanges: Exchanges
  readonly #attempts: Attempts

  constructor(urls: readonly URL[], options: HttpClientOptions, world?: CallerWorld) {
    this.#urls = urls
    this.#options = options
    this.#exchanges = world?.exchanges ?? new Connections(options.connectionsPerNode ?? 64, options.ca)
    this.#attempts = new Attempts(this.#urls.length, world)
  }

  async call<T>(call: Call<T>): Promise<T> {
    /** Why each node that was asked was not reached, in the last words of it. */
    const reasons = new Map<URL, string>()
    return this.#attempts.run({
      repeatable: call.repeatable,
      changes: call.changes ?? false,
      pinned: call.pinned ?? false,
      timeoutMs: call.timeoutMs ?? this.#options.timeoutMs,
      attempt: async (node, budgetMs, connectMs) => {
        const attempt = await this.#attempt(call, node, budgetMs, connectMs)
        if ('failure' in attempt) reasons.set(this.#urls[node] as URL, attempt.failure.message)
        return attempt
      },
      giveUp: (failure, node) => finalError(failure, call, this.#urls[node], reasons),
    })
  }

  close(): void {
    this.#exchanges.close()
  }

  async #attempt<T>(call: Call<T>, node: number, budgetMs: number, connectMs: number): Promise<Attempt<T>> {
    const timeout = call.timed === false ? {} : { timeout_ms: Math.min(MAX_REQUEST_TIMEOUT_MS, Math.ceil(budgetMs)) }
    try {
      const answer = await this.#exchanges.send({
        url: this.#urls[node] as URL,
        method: call.method,
        path: call.path,
        body: call.body === null ? null : JSON.stringify({ ...call.body, ...timeout }),
        token: this.#options.token,
        timeoutMs: budgetMs + ANSWER_GRACE_MS,
        connectMs,
      })
      return meaning(answer, call)
    } catch (error) {
      if (error instanceof ExchangeFailure) return { failure: error }
      throw error
    }
  }
}

function meaning<T>(answer: Answer, call: Call<T>): Attempt<T> {
  const refusal = refusalIn(answer)
  if (refusal !== undefined) return { failure: refusal }
  const json = answer.status === 200 || call.anyStatus === true ? objectIn(answer.text) : undefined
  if (json === undefined) return { failure: new ExchangeFailure(`status ${answer.status} without the JSON of a node`, true) }
  try {
    return { value: call.read(json) }
  } catch (error) {
    if (error instanceof MalformedAnswer) return { failure: new ExchangeFailure(error.message, true) }
    throw error
  }
}

const MAX_SHOWN_URLS = 8

function unreached(reasons: ReadonlyMap<URL, string>): string {
  const all = Array.from(reasons, ([url, reason]) => `${url.origin}: ${reason}`)
  const more = all.length > MAX_SHOWN_URLS ? [`and ${all.length - MAX_SHOWN_URLS} more`] : []
  return [...all.slice(0, MAX_SHOWN_URLS), ...more].join(', ')
}

function finalError(
  failure: ExchangeFailure,
  call: Call<unknown>,
  url: URL | undefined,
  reasons: ReadonlyMap<URL, string>,
): AspenError {
  const where = `${call.method} ${call.path} at ${url?.origin}`
  const details = { url: url?.origin, reason: failure.message }
  // What can be asked again without harm has no outcome to wonder about.
  const code = call.repeatable && call.changes !== true ? 'DEADLINE_EXCEEDED' : 'OUTCOME_UNKNOWN'
  if (failure.sent) return new AspenError(code, `${where} was sent and not answered: ${failure.message}`, details)
  const words = `${call.method} ${call.path} reached no node: ${unreached(reasons)}; check that nodes run there, and that these are their http_addr`
  return new AspenError('NO_LEADER', words, details)
}

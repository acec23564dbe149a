/** Carries a request to whichever node answers it, within its deadline. */
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { AspenError } from '../api/index.ts'
import { REQUEST_TIMEOUT_MS } from '../limits.ts'
import { MalformedAnswer, objectIn, refusalIn } from './answers.ts'
import type { JsonObject } from './answers.ts'
import { Connections, ExchangeFailure } from './exchange.ts'
import type { Answer } from './exchange.ts'
import { nextStep, pauseMs } from './retry.ts'

export interface HttpClientOptions {
  /** Bearer token of the nodes. */
  readonly token?: string
  /** Milliseconds a call may take unless it says otherwise; 5000 when absent. */
  readonly timeoutMs?: number
  /** Connections kept to one node; 64 when absent. */
  readonly connectionsPerNode?: number
}

export interface Call<T> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Without its timeout, which is what is left when it is sent; null for a GET. */
  readonly body: object | null
  /** Whether asking twice does no more than asking once. */
  readonly repeatable: boolean
  /** About the first node alone, and of no use to another one. */
  readonly pinned?: boolean
  /** Whether the route takes "timeout_ms". True when absent. */
  readonly timed?: boolean
  /** Whether an answer that is not 200 is read like one. False when absent. */
  readonly anyStatus?: boolean
  readonly timeoutMs?: number | undefined
  read(json: JsonObject): T
}

/** One attempt's result: the answer's meaning, or why there is none. */
type Attempt<T> = { readonly value: T } | { readonly failure: AspenError | ExchangeFailure }

const MAX_ATTEMPTS = 64
const MAX_PENDING_CALLS = 10_000
const MAX_SERVER_TIMEOUT_MS = 60_000
/** A node that says itself that time is up says more than a silent one: it gets this much longer. */
const ANSWER_GRACE_MS = 250
/** With other nodes to ask, a silent one is given this long at least. */
const MIN_ATTEMPT_MS = 500

function toUrls(urls: string | readonly string[]): readonly URL[] {
  const list = typeof urls === 'string' ? [urls] : urls
  if (list.length === 0)
    throw new AspenError('INVALID_REQUEST', 'give the URL of at least one node, such as http://127.0.0.1:8080')
  return list.map((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
      throw new AspenError('INVALID_REQUEST', `${text} is not the URL of a node: write http://host:port`)
    }
    return url
  })
}

export class Caller {
  readonly #urls: readonly URL[]
  readonly #options: HttpClientOptions
  readonly #connections: Connections
  /** The node that answered last: it is asked first. */
  #preferred = 0
  #pending = 0

  constructor(urls: string | readonly string[], options: HttpClientOptions) {
    this.#urls = toUrls(urls)
    this.#options = options
    this.#connections = new Connections(options.connectionsPerNode ?? 64)
  }

  async call<T>(call: Call<T>): Promise<T> {
    if (this.#pending >= MAX_PENDING_CALLS) {
      throw new AspenError('OVERLOADED', `${MAX_PENDING_CALLS} calls of this client wait already`, { limit: MAX_PENDING_CALLS })
    }
    this.#pending++
    try {
      return await this.#attempts(call)
    } finally {
      this.#pending--
    }
  }

  close(): void {
    this.#connections.close()
  }

  async #attempts<T>(call: Call<T>): Promise<T> {
    const deadline = performance.now() + (call.timeoutMs ?? this.#options.timeoutMs ?? REQUEST_TIMEOUT_MS)
    const nodes = call.pinned === true ? 1 : this.#urls.length
    const first = call.pinned === true ? 0 : this.#preferred
    for (let attempt = 0; ; attempt++) {
      const node = (first + attempt) % nodes
      const result = await this.#attempt(call, node, nodes, deadline)
      if ('value' in result) {
        if (call.pinned !== true) this.#preferred = node
        return result.value
      }
      const wait = this.#wait(result.failure, call, attempt, nodes)
      if (wait === null || attempt + 1 >= MAX_ATTEMPTS || performance.now() + wait >= deadline)
        throw finalError(result.failure, call, this.#urls[node])
      if (wait > 0) await pause(wait)
    }
  }

  /** Milliseconds until the next attempt, or null when there must be none. */
  #wait(failure: AspenError | ExchangeFailure, call: Call<unknown>, attempt: number, nodes: number): number | null {
    const step = nextStep(failure, call.repeatable)
    if (step === 'fail' || step === 'unknown') return null
    const round = Math.floor((attempt + 1) / nodes)
    const wholeRound = (attempt + 1) % nodes === 0
    if (step === 'later') return pauseMs(round, failure)
    if (call.pinned === true) return null
    // Every node was asked once, and none is reachable or knows better: only unreachable ones may come back.
    if (wholeRound && !(failure instanceof ExchangeFailure)) return null
    return wholeRound ? pauseMs(round, failure) : 0
  }

  async #attempt<T>(call: Call<T>, node: number, nodes: number, deadline: number): Promise<Attempt<T>> {
    const left = Math.max(1, deadline - performance.now())
    const budget = call.repeatable && nodes > 1 ? Math.min(left, Math.max(MIN_ATTEMPT_MS, left / 2)) : left
    const timeout = call.timed === false ? {} : { timeout_ms: Math.min(MAX_SERVER_TIMEOUT_MS, Math.ceil(budget)) }
    try {
      const answer = await this.#connections.send({
        url: this.#urls[node] as URL,
        method: call.method,
        path: call.path,
        body: call.body === null ? null : JSON.stringify({ ...call.body, ...timeout }),
        token: this.#options.token,
        timeoutMs: budget + ANSWER_GRACE_MS,
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

function finalError(failure: AspenError | ExchangeFailure, call: Call<unknown>, url: URL | undefined): AspenError {
  if (!(failure instanceof ExchangeFailure)) return failure
  const where = `${call.method} ${call.path} at ${url?.origin}`
  const details = { url: url?.origin, reason: failure.message }
  if (failure.sent) return new AspenError('OUTCOME_UNKNOWN', `${where} was sent and not answered: ${failure.message}`, details)
  return new AspenError('NO_LEADER', `${where} reached no node: ${failure.message}`, details)
}

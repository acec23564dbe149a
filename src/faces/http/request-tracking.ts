/** Counts the requests in flight, and what became of them once they have ended. */
import type { ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import type { Counter, Histogram } from '../../ports/index.ts'
import type { PrometheusMetrics } from './metrics.ts'

/** The metrics of one route, each looked up when it is first needed. */
export class RouteMetrics {
  readonly #metrics: PrometheusMetrics
  readonly #route: string
  readonly #byStatus = new Map<number, Counter>()
  #duration: Histogram | null = null

  constructor(metrics: PrometheusMetrics, route: string) {
    this.#metrics = metrics
    this.#route = route
  }

  /** @param status the status sent, or 0 when the client left before there was an answer */
  ended(status: number, seconds: number): void {
    this.#duration ??= this.#metrics.histogram('aspen_http_request_duration_seconds', { route: this.#route })
    this.#duration.observe(seconds)
    let counter = this.#byStatus.get(status)
    if (counter === undefined) {
      const label = status === 0 ? 'aborted' : String(status)
      counter = this.#metrics.counter('aspen_http_requests_total', { route: this.#route, status: label })
      this.#byStatus.set(status, counter)
    }
    counter.add()
  }
}

/** Who has to know what became of requests. */
export interface AnswerWatch {
  answered(response: ServerResponse): void
  isNewest(response: ServerResponse): boolean
}

export class RequestTracker {
  readonly #watch: AnswerWatch
  /**
   * The answers in flight, and the places that are free again. Not a Set: its tables, each replaced by the next as
   * requests come and go, keep what has long ended alive until the next major garbage collection.
   */
  readonly #inFlight: (ServerResponse | undefined)[] = []
  readonly #free: number[] = []
  #idle: PromiseWithResolvers<void> | null = null

  constructor(watch: AnswerWatch) {
    this.#watch = watch
  }

  begin(response: ServerResponse, route: RouteMetrics): void {
    const place = this.#free.pop() ?? this.#inFlight.length
    this.#inFlight[place] = response
    const startedAt = performance.now()
    response.on('close', () => {
      route.ended(response.writableEnded ? response.statusCode : 0, (performance.now() - startedAt) / 1000)
      this.#inFlight[place] = undefined
      this.#free.push(place)
      this.#watch.answered(response)
      if (this.#isIdle) this.#idle?.resolve()
    })
  }

  /** Lets the last answer in flight on each connection say that this ends, and resolves when all have left. */
  async drain(): Promise<void> {
    if (this.#isIdle) return
    for (const response of this.#inFlight) {
      if (response !== undefined && this.#watch.isNewest(response)) response.shouldKeepAlive = false
    }
    this.#idle = Promise.withResolvers<void>()
    await this.#idle.promise
  }

  get #isIdle(): boolean {
    return this.#free.length === this.#inFlight.length
  }
}

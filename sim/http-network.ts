/**
 * HTTP between the clients and the nodes of a simulated cluster: connections that take their time, are refused by a node that
 * is down, and break when a process ends or by bad luck.
 */
import { chance, randomBetween } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import { ExchangeFailure } from '../src/client/exchange.ts'
import type { Answer, Exchange, Exchanges } from '../src/client/exchange.ts'
import type { Life, ScheduledEvent, Scheduler } from '../src/simulation/index.ts'
import type { SimCluster } from './cluster.ts'
import type { HttpFace } from './http-face.ts'
import type { SimNode } from './sim-node.ts'

const PORT = 8080
/** Latencies are drawn in such parts of a millisecond. */
const PARTS_PER_MS = 16
/** A connection that breaks does so within this time: before, while or after the node works on the request. */
const MAX_BREAK_MS = 40

/** One of loopback, as the server demands where there is no token. */
function addressOf({ id }: SimNode): string {
  return `127.0.0.${id}`
}

/** The URL of a node. */
export function urlOf(node: SimNode): string {
  return `http://${addressOf(node)}:${PORT}`
}

/** A request from its start until its client knows more. */
class OpenExchange {
  readonly request: Exchange
  readonly answer: Promise<Answer>
  /** The process that the connection leads to; null before there is one. */
  life: Life | null = null
  readonly #scheduler: Scheduler
  readonly #ended: () => void
  readonly #settle: PromiseWithResolvers<Answer> = Promise.withResolvers<Answer>()
  readonly #events: ScheduledEvent[] = []
  #open = true

  /** `ended` is called when it has an answer, or will never have one. */
  constructor(request: Exchange, scheduler: Scheduler, ended: (exchange: OpenExchange) => void) {
    this.request = request
    this.answer = this.#settle.promise
    this.#scheduler = scheduler
    this.#ended = () => ended(this)
    this.after(request.timeoutMs, () => this.fail(`no answer within ${Math.round(request.timeoutMs)} ms`, true))
  }

  /** Runs `run` later, unless the exchange has ended by then. */
  after(ms: number, run: () => void): void {
    if (this.#open) this.#events.push(this.#scheduler.after(ms, run))
  }

  answered(answer: Answer): void {
    if (this.#end()) this.#settle.resolve(answer)
  }

  fail(reason: string, outOfTime = false): void {
    if (this.#end()) this.#settle.reject(new ExchangeFailure(reason, this.life !== null, { outOfTime }))
  }

  #end(): boolean {
    if (!this.#open) return false
    this.#open = false
    for (const event of this.#events) this.#scheduler.cancel(event)
    this.#ended()
    return true
  }
}

export interface HttpNetworkOptions {
  readonly cluster: SimCluster
  readonly random: Random
  /** One for each node. */
  readonly faces: readonly HttpFace[]
}

export class HttpNetwork implements Exchanges {
  readonly #cluster: SimCluster
  readonly #random: Random
  readonly #faces: readonly HttpFace[]
  readonly #open = new Set<OpenExchange>()
  #broken: number

  constructor({ cluster, random, faces }: HttpNetworkOptions) {
    this.#cluster = cluster
    this.#random = random
    this.#faces = faces
    this.#broken = cluster.weather.brokenRequest
    cluster.onOpened = (node) => this.#serve(node)
  }

  send(request: Exchange): Promise<Answer> {
    const { scheduler, turns } = this.#cluster
    const exchange = new OpenExchange(request, scheduler, () => {
      this.#open.delete(exchange)
      turns.ask()
    })
    this.#open.add(exchange)
    const breaks = chance(this.#random, this.#broken)
    const lost = breaks && chance(this.#random, 0.5)
    exchange.after(this.#latency(), () => this.#connect(exchange, breaks, lost))
    return exchange.answer
  }

  close(): void {
    // Nothing is kept between two requests.
  }

  /** Connections do not break by bad luck any more. */
  heal(): void {
    this.#broken = 0
  }

  /** The process of a node is about to end. */
  crashed(node: SimNode): void {
    for (const exchange of [...this.#open]) if (exchange.life !== null && exchange.life === node.life) exchange.fail('ECONNRESET')
    this.#faceOf(node.id).detach()
  }

  #serve({ id, server }: SimNode): void {
    if (server !== null) this.#faceOf(id).attach(server.service, this.#cluster.turns)
  }

  #connect(exchange: OpenExchange, breaks: boolean, lost: boolean): void {
    const { hostname } = exchange.request.url
    const node = this.#cluster.nodes.find((one) => addressOf(one) === hostname)
    if (node === undefined || node.replica === null || node.life === null) return exchange.fail('ECONNREFUSED')
    exchange.life = node.life
    if (breaks) exchange.after(randomBetween(this.#random, 0, MAX_BREAK_MS), () => exchange.fail('ECONNRESET'))
    if (lost) return
    // An event of the process: one that stands still takes it later.
    node.life.after(this.#latency(), () => {
      this.#faceOf(node.id).ask(exchange.request, (answer) => exchange.after(this.#latency(), () => exchange.answered(answer)))
    })
  }

  #faceOf(id: number): HttpFace {
    return this.#faces[id - 1] as HttpFace
  }

  #latency(): number {
    const { latencyMaxMs } = this.#cluster.weather.network
    return randomBetween(this.#random, 0, latencyMaxMs * PARTS_PER_MS) / PARTS_PER_MS
  }
}

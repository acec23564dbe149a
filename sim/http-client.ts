/** One client of a simulated cluster that asks over HTTP: the client of production, in simulated time, over a simulated network. */
import { AspenError } from '../src/api/index.ts'
import type { ClientSequence, WriteResult } from '../src/api/index.ts'
import type { CallerWorld } from '../src/client/caller.ts'
import { refusalIn } from '../src/client/answers.ts'
import { ExchangeFailure } from '../src/client/exchange.ts'
import type { Answer, Exchange, Exchanges } from '../src/client/exchange.ts'
import { AspenHttpClient } from '../src/client/index.ts'
import { chance, randomBetween } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { Outcome } from '../test/linearizability/index.ts'
import { outcomeOf } from './client-records.ts'
import type { ClientRequest, Observation } from './client-requests.ts'
import type { SimCluster } from './cluster.ts'
import { urlOf } from './http-network.ts'
import type { SimNode } from './sim-node.ts'

const UINT32 = 0x1_0000_0000
/** How often a write with an origin is begun, by a program that wants to know what became of it. */
const MAX_CALLS = 3
/** Errors that a correct client meets here, beside those that say that nothing was changed. */
const EXPECTED: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'POISONED'])
/** Of answers: whoever gives them may not know what became of a write, see {@link leavesOpen}. */
const NOT_KNOWING: ReadonlySet<number> = new Set([500, 504])

/** What became of a request. */
export interface Performed {
  readonly outcome: Outcome
  readonly observed: readonly Observation[]
  readonly result?: WriteResult
}

export interface HttpSurroundings {
  readonly cluster: SimCluster
  readonly network: Exchanges
  readonly random: Random
}

/** Time, chance and network of a simulation, for a client of production. */
export function simulatedWorld({ cluster, network, random }: HttpSurroundings): CallerWorld {
  const { scheduler, turns } = cluster
  return {
    now: () => scheduler.now,
    pause: (ms) =>
      new Promise<void>((resolve) => {
        scheduler.after(ms, () => {
          turns.ask()
          resolve()
        })
      }),
    random: () => random.nextUint32() / UINT32,
    exchanges: network,
  }
}

/** One request, over all its exchanges. */
interface Call {
  readonly changes: boolean
  readonly origin: ClientSequence | undefined
  exchanges: number
  /** An exchange that may have reached a node was not answered, or answered with not knowing. */
  open: boolean
}

export class HttpClient {
  /** What the nodes know it by. */
  readonly name: string
  readonly #surroundings: HttpSurroundings
  readonly #aspen: AspenHttpClient
  #sequence = 0
  /** Whether the nodes have answered to the first sequence under the present id. */
  #isKnown = false
  #ids = 0
  #call: Call = { changes: false, origin: undefined, exchanges: 0, open: false }

  constructor(name: string, nodes: readonly SimNode[], surroundings: HttpSurroundings) {
    this.name = name
    this.#surroundings = surroundings
    const network: Exchanges = { send: (exchange) => this.#send(exchange), close: () => undefined }
    this.#aspen = new AspenHttpClient(nodes.map(urlOf), {}, simulatedWorld({ ...surroundings, network }))
  }

  /** A write with an origin is begun again while nobody knows what became of it. @throws Error that no correct client meets */
  async perform(request: ClientRequest): Promise<Performed> {
    const { cluster, random } = this.#surroundings
    const changes = request.type !== 'read' && request.type !== 'scan'
    const origin = changes && chance(random, 0.5) ? this.#nextOrigin() : undefined
    this.#call = { changes, origin, exchanges: 0, open: false }
    let unknown = false
    for (let calls = 1; ; calls++) {
      const timeoutMs = randomBetween(random, 300, 2000)
      try {
        const answered = await request.call(this.#aspen, origin === undefined ? { timeoutMs } : { timeoutMs, origin })
        if (origin !== undefined && this.#call.open) cluster.counters.originsRecognised++
        if (origin !== undefined) this.#isKnown = true
        return { outcome: 'ok', ...answered }
      } catch (error) {
        // Once nobody knows, a later refusal says nothing of what came before it.
        const outcome: ReturnType<typeof outcomeOf> = unknown ? 'unknown' : outcomeOf(expected(error))
        unknown = outcome === 'unknown'
        if (unknown) cluster.counters.httpUnknown++
        if (!unknown || origin === undefined || calls === MAX_CALLS) return { outcome, observed: request.blank(outcome) }
      }
    }
  }

  /** A client whose first write was never answered does not know whether it is known: it begins again under another id. */
  #nextOrigin(): ClientSequence {
    if (!this.#isKnown) {
      this.#ids++
      this.#sequence = 0
    }
    return { client: `${this.name}.${this.#ids}`, sequence: ++this.#sequence }
  }

  async #send(exchange: Exchange): Promise<Answer> {
    const { cluster, network } = this.#surroundings
    const call = this.#call
    if (call.open && call.changes && call.origin === undefined) {
      cluster.violate('writes are sent once', `${this.name} sends a write again that may have taken effect`)
    }
    cluster.counters.httpRequests++
    if (call.exchanges++ > 0) cluster.counters.httpRetries++
    this.#note('asks', exchange.url.hostname, exchange.path, Math.round(exchange.timeoutMs))
    try {
      const answer = await network.send(exchange)
      if (leavesOpen(answer)) call.open = true
      this.#note('hears', exchange.url.hostname, answer.status)
      return answer
    } catch (error) {
      if (error instanceof ExchangeFailure && error.sent) call.open = true
      this.#note('hears nothing', exchange.url.hostname, (error as Error).message)
      throw error
    }
  }

  #note(event: string, ...facts: readonly (string | number)[]): void {
    const { trace, scheduler } = this.#surroundings.cluster
    trace.record(scheduler.now, this.name, event, ...facts)
  }
}

/** Whoever answers with 504 may say as well that the write was never proposed. */
function leavesOpen(answer: Answer): boolean {
  return NOT_KNOWING.has(answer.status) && refusalIn(answer)?.code !== 'DEADLINE_EXCEEDED'
}

/** @throws whatever a correct client does not meet */
function expected(error: unknown): AspenError {
  const known = error instanceof AspenError && (outcomeOf(error) === 'failed' || EXPECTED.has(error.code))
  if (!known) throw error
  return error
}

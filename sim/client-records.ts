/** What the clients of a simulated cluster did and saw, whichever way they asked. */
import { AspenError } from '../src/api/index.ts'
import type { WriteResult } from '../src/api/index.ts'
import type { Outcome, RecordedOperation } from '../test/linearizability/index.ts'
import type { ClientRequest, Observation } from './client-requests.ts'
import type { SimCluster } from './cluster.ts'

export interface ClientCounters {
  ok: number
  failed: number
  unknown: number
}

/** One request on its way, wherever it is tried. */
export interface Operation {
  readonly client: number
  readonly request: ClientRequest
  /** In steps of the scheduler. */
  readonly start: number
  attempts: number
  readonly then: (ok: boolean) => void
}

/** Refusals that sending again does not help, and that changed nothing either. */
const REFUSED_FOR_GOOD: ReadonlySet<string> = new Set(['QUOTA_EXCEEDED', 'DISK_FULL', 'REMOVED'])

/** What an error says of the request: that it certainly changed nothing, or nothing. */
export function outcomeOf(error: Error): 'failed' | 'unknown' {
  return error instanceof AspenError && (error.retryable || REFUSED_FOR_GOOD.has(error.code)) ? 'failed' : 'unknown'
}

export class ClientRecords {
  readonly history: RecordedOperation[] = []
  readonly counters: ClientCounters = { ok: 0, failed: 0, unknown: 0 }
  readonly #cluster: SimCluster
  /** What was read or written last, by key: what transactions expect to find. */
  readonly #lastSeen = new Map<string, string | null>()
  /** By key and value, what a transaction put in its place: once, for values are unique. */
  readonly #replaced = new Map<string, string>()

  constructor(cluster: SimCluster) {
    this.#cluster = cluster
  }

  lastSeen(key: string): string | null {
    return this.#lastSeen.get(key) ?? null
  }

  begin(client: number, request: ClientRequest, then: (ok: boolean) => void): Operation {
    return { client, request, start: this.#cluster.scheduler.executed, attempts: 0, then }
  }

  /** Promises that an answer makes besides what the history shows. */
  answered(request: ClientRequest, result: WriteResult | undefined): void {
    const { checker, counters } = this.#cluster
    if (result !== undefined) checker.acknowledged(result.logId.index, result.logId.term)
    if (request.type === 'scan') counters.scans++
    if (request.type !== 'transaction') return
    if (result?.txn?.succeeded === true) counters.transactionsApplied++
    else counters.transactionsRefused++
  }

  /** `where` is the node that was asked, or the way to it. */
  finish(operation: Operation, where: number | string, outcome: Outcome, observed: readonly Observation[]): void {
    const { client, request, start, then } = operation
    const { scheduler, trace } = this.#cluster
    this.counters[outcome]++
    const facts = observed.map(({ type, key, value }) => `${type} ${key} ${value}`)
    trace.record(scheduler.now, `c${client}`, request.type, request.keys.join(), facts.join(', '), outcome, where)
    for (const observation of observed) {
      this.history.push({ ...observation, client, start, end: scheduler.executed })
      if (observation.outcome === 'ok') this.#lastSeen.set(observation.key, observation.value)
    }
    if (outcome === 'ok' && request.type === 'transaction') this.#checkReplaced(observed)
    then(outcome === 'ok')
  }

  /** Two transactions cannot both have found the same value and put another in its place. */
  #checkReplaced(observed: readonly Observation[]): void {
    const [found, written] = observed
    const value = written?.value ?? null
    if (found === undefined || found.value === null || value === null) return
    const place = `${found.key}=${found.value}`
    const other = this.#replaced.get(place)
    if (other !== undefined) {
      this.#cluster.violate('linearizability', `${place} was replaced twice by a transaction: by ${other} and by ${value}`)
    }
    this.#replaced.set(place, value)
  }
}

/**
 * Clients of a simulated cluster: contended keys, unique values, any node. What they did and saw is recorded for the
 * linearizability checker, in steps of the scheduler: finer than time, and just as monotonic.
 */
import { AspenError } from '../src/api/index.ts'
import type { WriteResult } from '../src/api/index.ts'
import { assert, chance, pick, randomBetween } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { Outcome, RecordedOperation } from '../test/linearizability/index.ts'
import { ClientRecords, outcomeOf } from './client-records.ts'
import type { ClientCounters, Operation } from './client-records.ts'
import { readRequest, scanRequest, transactionRequest, writeRequest } from './client-requests.ts'
import type { ClientRequest, Observation } from './client-requests.ts'
import type { SimCluster } from './cluster.ts'
import type { HttpClients } from './http-clients.ts'
import type { SimNode } from './sim-node.ts'

interface Pending {
  readonly node: SimNode
  readonly finish: (outcome: 'failed' | 'unknown') => void
}

export interface ClientsOptions {
  readonly cluster: SimCluster
  readonly random: Random
  readonly clients: number
  readonly keys: number
  /** Those among them that ask over HTTP. */
  readonly http?: HttpClients | null
}

const MAX_ATTEMPTS = 3
/** How often a client that rests looks whether it may go on. */
const REST_MS = 20
/** A node answers by the deadline it was given, unless it stands still: then the client goes at last. */
const HANG_UP_FACTOR = 1.5

export class Clients {
  readonly #cluster: SimCluster
  readonly #records: ClientRecords
  readonly #http: HttpClients | null
  readonly #random: Random
  readonly #clients: number
  readonly #keys: readonly string[]
  readonly #pending = new Set<Pending>()
  /** The nodes that clients may choose from. */
  #asked: () => readonly SimNode[]
  #values = 0
  #running = false
  /** Whether nothing new is begun for now. */
  resting = false

  constructor({ cluster, random, clients, keys, http = null }: ClientsOptions) {
    this.#cluster = cluster
    this.#records = new ClientRecords(cluster)
    this.#http = http
    this.#asked = () => cluster.running
    this.#random = random
    this.#clients = clients
    this.#keys = Array.from({ length: keys }, (_, i) => `k${i}`)
    cluster.onCrash = (node) => {
      this.#abandon(node)
      this.#http?.crashed(node)
    }
  }

  get history(): readonly RecordedOperation[] {
    return this.#records.history
  }

  get counters(): Readonly<ClientCounters> {
    return this.#records.counters
  }

  get keys(): readonly string[] {
    return this.#keys
  }

  /** Operations not yet answered. */
  get pending(): number {
    return this.#pending.size + (this.#http?.pending ?? 0)
  }

  /** The cluster is sound again: clients choose from these nodes, as they are when one is chosen. */
  heal(asked: () => readonly SimNode[]): void {
    this.#asked = asked
    this.#http?.heal(asked)
  }

  start(): void {
    this.#running = true
    for (let client = 1; client <= this.#clients; client++) this.#next(client)
  }

  /** Nothing new is begun; what is under way goes on. */
  stop(): void {
    this.#running = false
  }

  read(client: number, node: SimNode, key: string, then: (ok: boolean) => void): void {
    this.#ask(node, this.#records.begin(client, readRequest(key), then))
  }

  #next(client: number): void {
    this.#after(randomBetween(this.#random, 0, this.#cluster.weather.thinkMs), client)
  }

  #after(pause: number, client: number): void {
    this.#cluster.scheduler.after(pause, () => {
      if (!this.#running) return
      if (this.resting) return this.#after(REST_MS, client)
      const begun = this.#http?.serves(client) === true ? this.#beginOverHttp(this.#http, client) : this.#begin(client)
      if (!begun) this.#next(client)
    })
  }

  /** False when there is no node to ask. */
  #begin(client: number): boolean {
    const node = this.#someNode()
    if (node !== undefined) this.#ask(node, this.#draw(client))
    return node !== undefined
  }

  /** False when there is no node to ask. */
  #beginOverHttp(http: HttpClients, client: number): boolean {
    const operation = this.#draw(client)
    const { request } = operation
    return http.ask(client, request, ({ outcome, observed, result }) => {
      if (outcome === 'ok') this.#records.answered(request, result)
      this.#records.finish(operation, 'http', outcome, observed)
    })
  }

  #draw(client: number): Operation {
    return this.#records.begin(client, this.#drawRequest(client), () => this.#next(client))
  }

  #someNode(but?: SimNode): SimNode | undefined {
    const nodes = this.#asked().filter((node) => node.replica !== null && node !== but)
    return nodes.length === 0 ? undefined : pick(this.#random, nodes)
  }

  #drawRequest(client: number): ClientRequest {
    const { transaction, scan } = this.#cluster.weather
    const random = this.#random
    const key = pick(random, this.#keys)
    if (chance(random, scan)) return scanRequest(this.#keys)
    if (chance(random, transaction)) return transactionRequest(key, this.#records.lastSeen(key), this.#newValue(client))
    if (chance(random, 0.5)) return readRequest(key)
    return writeRequest(key, chance(random, 0.08) ? null : this.#newValue(client))
  }

  #newValue(client: number): string {
    return `${client}.${++this.#values}`
  }

  /** Hands a request to the process of a node, which takes it when it runs. */
  #ask(node: SimNode, operation: Operation): void {
    const { replica, life, server } = node
    assert(replica !== null && life !== null && server !== null, 'a client asks a node that runs')
    const { request } = operation
    operation.attempts++
    const patience = randomBetween(this.#random, 300, 2000)
    let answered = false
    let hungUp = false
    const hangUp = this.#cluster.scheduler.after(HANG_UP_FACTOR * patience, () => {
      pending.finish('unknown')
      hungUp = true
    })
    const settle = (outcome: Outcome, observed: readonly Observation[], error?: Error): void => {
      if (hungUp) return
      this.#cluster.scheduler.cancel(hangUp)
      assert(!answered, `a ${request.type} of client ${operation.client} on ${request.keys.join()} was answered twice`)
      answered = true
      this.#pending.delete(pending)
      if (outcome !== 'failed' || !this.#tryElsewhere(node, operation, error))
        this.#records.finish(operation, node.id, outcome, observed)
    }
    const pending: Pending = { node, finish: (outcome) => settle(outcome, request.blank(outcome)) }
    this.#pending.add(pending)
    const { term } = replica.view
    life.after(0, () => {
      request.send(server.raft, life.clock.now() + patience, (error, observed, result) => {
        if (error === undefined) {
          // Also when nobody waits for it any more.
          this.#observe(node, request, term, result)
          settle('ok', observed)
        } else settle(outcomeOf(error), request.blank(outcomeOf(error)), error)
      })
    })
  }

  /** What provably changed nothing may be sent again, and somebody else may know better. */
  #tryElsewhere(node: SimNode, operation: Operation, error: Error | undefined): boolean {
    const { counters, weather, scheduler } = this.#cluster
    if (error instanceof AspenError && error.code === 'QUOTA_EXCEEDED') counters.quotaRefusals++
    if (!this.#running || operation.attempts >= MAX_ATTEMPTS || !chance(this.#random, weather.retry)) return false
    const other = this.#someNode(node)
    if (other === undefined) return false
    counters.retriesElsewhere++
    // Between two attempts nobody has it; it counts as unanswered all the same.
    const waiting: Pending = { node: other, finish: () => this.#giveUp(waiting, operation) }
    this.#pending.add(waiting)
    scheduler.after(randomBetween(this.#random, 0, 10), () => {
      if (!this.#pending.delete(waiting)) return
      if (other.replica === null) this.#records.finish(operation, other.id, 'failed', operation.request.blank('failed'))
      else this.#ask(other, operation)
    })
    return true
  }

  /** The node that was to be asked next has gone, and was never asked. */
  #giveUp(waiting: Pending, operation: Operation): void {
    this.#pending.delete(waiting)
    this.#records.finish(operation, waiting.node.id, 'failed', operation.request.blank('failed'))
  }

  /** Promises that an answer makes besides what the history shows. */
  #observe(node: SimNode, request: ClientRequest, termBefore: number, result: WriteResult | undefined): void {
    const { counters } = this.#cluster
    if (node.poisoned) this.#cluster.violate('poisoned nodes are silent', `node ${node.id} answers although it has failed`)
    const view = node.replica?.view
    if (request.type === 'read' && view !== undefined && view.role !== 'leader' && view.term > termBefore) {
      counters.followerReadsAfterTermChange++
    }
    this.#records.answered(request, result)
  }

  /** Whoever waits for a node that has crashed never hears of the outcome. */
  #abandon(node: SimNode): void {
    for (const pending of [...this.#pending]) if (pending.node === node) pending.finish('unknown')
  }
}

/**
 * Clients of a simulated cluster: contended keys, unique values, any node. What they did and saw is recorded for the
 * linearizability checker, in steps of the scheduler: finer than time, and just as monotonic.
 */
import { AspenError, toCommand, toKey } from '../src/api/index.ts'
import { assert, chance, pick, randomBetween, utf8Decode } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import { encodeEnvelope } from '../src/wire/index.ts'
import type { Outcome, RecordedOperation } from '../test/linearizability/index.ts'
import type { SimCluster } from './cluster.ts'
import type { SimNode } from './sim-node.ts'

export interface ClientCounters {
  ok: number
  failed: number
  unknown: number
}

interface Pending {
  readonly node: SimNode
  readonly finish: (outcome: Outcome, value: string | null) => void
}

export interface ClientsOptions {
  readonly cluster: SimCluster
  readonly random: Random
  readonly clients: number
  readonly keys: number
}

function outcomeOf(error: Error): Outcome {
  return error instanceof AspenError && error.retryable ? 'failed' : 'unknown'
}

export class Clients {
  readonly history: RecordedOperation[] = []
  readonly counters: ClientCounters = { ok: 0, failed: 0, unknown: 0 }
  /** The nodes that clients may choose from. */
  asked: () => readonly SimNode[]
  readonly #cluster: SimCluster
  readonly #random: Random
  readonly #clients: number
  readonly #keys: readonly string[]
  readonly #pending = new Set<Pending>()
  #values = 0
  #running = false

  constructor({ cluster, random, clients, keys }: ClientsOptions) {
    this.#cluster = cluster
    this.asked = () => cluster.running
    this.#random = random
    this.#clients = clients
    this.#keys = Array.from({ length: keys }, (_, i) => `key-${i}`)
    cluster.onCrash = (node) => this.#abandon(node)
  }

  get keys(): readonly string[] {
    return this.#keys
  }

  get pending(): number {
    return this.#pending.size
  }

  start(): void {
    this.#running = true
    for (let client = 0; client < this.#clients; client++) this.#next(client)
  }

  /** Nothing new is begun; what is under way goes on. */
  stop(): void {
    this.#running = false
  }

  read(client: number, node: SimNode, key: string, then: (ok: boolean) => void): void {
    const finish = this.#begin({ client, node, key, type: 'read', value: null }, then)
    const { replica, life } = node
    assert(replica !== null && life !== null, 'a client asks a node that runs')
    const term = replica.view.term
    replica.read(life.clock.now() + randomBetween(this.#random, 300, 2000), (error) => {
      if (error !== undefined) {
        finish(outcomeOf(error), null)
        return
      }
      const found = node.state.get(toKey(key))
      const view = replica.view
      if (view.role !== 'leader' && view.term > term) this.#cluster.counters.followerReadsAfterTermChange++
      finish('ok', found === undefined ? null : (utf8Decode(found.value) ?? ''))
    })
  }

  write(client: number, node: SimNode, key: string, then: (ok: boolean) => void): void {
    const value = chance(this.#random, 0.08) ? null : `${client}.${++this.#values}`
    const finish = this.#begin({ client, node, key, type: value === null ? 'delete' : 'write', value }, then)
    const { replica, life } = node
    assert(replica !== null && life !== null, 'a client asks a node that runs')
    const command = toCommand(value === null ? { Delete: { key } } : { Set: { key, value } })
    const deadline = life.clock.now() + randomBetween(this.#random, 300, 2000)
    replica.write(encodeEnvelope({ origin: null, command }), deadline, (error, result) => {
      if (result !== undefined) this.#cluster.checker.acknowledged(result.logId.index, result.logId.term)
      finish(error === undefined ? 'ok' : outcomeOf(error), value)
    })
  }

  #next(client: number): void {
    const pause = randomBetween(this.#random, 0, 20)
    this.#cluster.scheduler.after(pause, () => {
      if (!this.#running) return
      const nodes = this.asked().filter(({ replica }) => replica !== null)
      if (nodes.length === 0) {
        this.#next(client)
        return
      }
      const node = pick(this.#random, nodes)
      const key = pick(this.#random, this.#keys)
      const again = (): void => this.#next(client)
      if (chance(this.#random, 0.5)) this.read(client, node, key, again)
      else this.write(client, node, key, again)
    })
  }

  #begin(
    operation: Pick<RecordedOperation, 'client' | 'key' | 'type' | 'value'> & { node: SimNode },
    then: (ok: boolean) => void,
  ): (outcome: Outcome, value: string | null) => void {
    const { node, client, key, type } = operation
    const { scheduler, trace } = this.#cluster
    const start = scheduler.executed
    let finished = false
    const finish = (outcome: Outcome, value: string | null): void => {
      assert(!finished, `an operation of client ${client} on ${key} was answered twice`)
      finished = true
      this.#pending.delete(pending)
      this.counters[outcome]++
      trace.record(scheduler.now, `c${client}`, type, key, value, outcome, node.id)
      this.history.push({ key, client, type, value, start, end: scheduler.executed, outcome })
      then(outcome === 'ok')
    }
    const pending: Pending = { node, finish: (outcome) => finish(outcome, operation.value) }
    this.#pending.add(pending)
    return finish
  }

  /** Whoever waits for a node that has crashed never hears of the outcome. */
  #abandon(node: SimNode): void {
    for (const pending of [...this.#pending]) if (pending.node === node) pending.finish('unknown', null)
  }
}

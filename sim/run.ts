/** One simulated run, all of it drawn from a seed: faults, then healing, then the demands. */
import { checkLinearizable } from '../test/linearizability/index.ts'
import { Clients } from './clients.ts'
import type { ClientCounters } from './clients.ts'
import { SimCluster } from './cluster.ts'
import type { ClusterCounters } from './cluster.ts'
import { Faults } from './faults.ts'
import { forkPrng } from './fork-prng.ts'
import { SafetyViolation } from './invariants.ts'
import type { Sabotage } from './sabotage.ts'
import type { SimNode } from './sim-node.ts'
import { drawWeather } from './weather.ts'
import type { Weather } from './weather.ts'

export interface RunOptions {
  readonly seed: number
  /** Virtual milliseconds of trouble. */
  readonly faultsMs?: number
  readonly sabotage?: Sabotage
  readonly trustsDisks?: boolean
  readonly weather?: Weather
  /** Lines of the trace kept for a failure's report. */
  readonly keepLines?: number
}

export interface RunReport {
  readonly seed: number
  /** Equal for two runs that were the same run. */
  readonly hash: string
  readonly nextRandom: number
  readonly virtualMs: number
  readonly events: number
  readonly committed: number
  readonly clients: ClientCounters
  readonly counters: ClusterCounters
}

/** A run that broke a promise; it names its seed. */
export class FailedRun extends Error {
  override readonly name = 'FailedRun'
  readonly seed: number
  readonly trace: readonly string[]

  constructor(seed: number, cause: unknown, trace: readonly string[]) {
    super(`seed ${seed}: ${rootOf(cause).message}`, { cause })
    this.seed = seed
    this.trace = trace
  }

  /** The safety property that was violated, or null when something else failed. */
  get property(): string | null {
    const root = rootOf(this.cause)
    return root instanceof SafetyViolation ? root.property : null
  }
}

function rootOf(error: unknown): Error {
  const { cause } = error as Error
  return cause instanceof Error ? rootOf(cause) : (error as Error)
}

const TICK_MS = 100
const FOUNDING_MS = 20_000
const RECOVERY_MS = 20_000

class Run {
  readonly #seed: number
  readonly #faultsMs: number
  readonly #cluster: SimCluster
  readonly #clients: Clients
  readonly #faults: Faults
  readonly #random

  constructor(options: RunOptions) {
    const { seed, faultsMs = 4000, sabotage = 'none', trustsDisks = true, keepLines = 0 } = options
    const weather = options.weather ?? drawWeather(forkPrng(seed, 'weather'))
    this.#seed = seed
    this.#faultsMs = faultsMs
    this.#random = forkPrng(seed, 'run')
    this.#cluster = new SimCluster({ seed, weather, sabotage, trustsDisks, keepLines })
    this.#clients = new Clients({
      cluster: this.#cluster,
      random: forkPrng(seed, 'clients'),
      clients: weather.clients,
      keys: weather.keys,
    })
    this.#faults = new Faults(this.#cluster, this.#random, weather)
  }

  execute(): RunReport {
    this.#found()
    this.#clients.start()
    for (let at = 0; at < this.#faultsMs; at += TICK_MS) {
      this.#cluster.run(TICK_MS)
      this.#faults.disturb()
    }
    this.#faults.heal()
    this.#demandProgress()
    this.#demandAgreement()
    const verdict = checkLinearizable(this.#clients.history)
    if (!verdict.ok) throw new SafetyViolation('linearizability', verdict.report)
    return this.#report()
  }

  trace(): readonly string[] {
    return this.#cluster.trace.lines()
  }

  #found(): void {
    for (const node of this.#cluster.nodes) this.#cluster.start(node)
    this.#until(FOUNDING_MS, 'the cluster was not founded', () => this.#cluster.found())
  }

  /** Writes succeed again, and everything accepted is answered. */
  #demandProgress(): void {
    // Who is no member any more may not know it, and keeps its clients waiting.
    this.#clients.asked = () => this.#members()
    const goal = this.#clients.counters.ok + 20
    this.#until(RECOVERY_MS, 'no operations succeed after healing', () => this.#clients.counters.ok >= goal)
    this.#clients.stop()
    this.#until(RECOVERY_MS, 'operations are never answered', () => this.#clients.pending === 0)
  }

  /** Every member has applied everything, holds the same state, and serves every key. */
  #demandAgreement(): void {
    const { checker } = this.#cluster
    this.#until(RECOVERY_MS, 'the members do not catch up', () => {
      const members = this.#members()
      return members.length > 0 && members.every(({ replica }) => replica?.view.appliedIndex === checker.lastCommitted)
    })
    let missing = 0
    for (const node of this.#members()) {
      for (const key of this.#clients.keys) {
        missing++
        this.#clients.read(-node.id, node, key, (ok) => {
          if (ok) missing--
        })
      }
    }
    this.#until(RECOVERY_MS, 'some member does not serve reads', () => this.#clients.pending === 0)
    if (missing > 0) throw new Error(`${missing} reads of the healed cluster failed`)
    const states = new Set(this.#members().map(describeState))
    if (states.size !== 1) throw new SafetyViolation('state machine safety', `states differ: ${[...states].join(' | ')}`)
  }

  #members(): SimNode[] {
    const { leader, nodes } = this.#cluster
    const members = leader?.replica?.view.membership.members ?? []
    return members.flatMap(({ id }) => nodes.filter((node) => node.id === id))
  }

  #until(limitMs: number, complaint: string, reached: () => boolean): void {
    const deadline = this.#cluster.scheduler.now + limitMs
    while (!reached()) {
      if (this.#cluster.scheduler.now >= deadline) throw new Error(`${complaint} within ${limitMs} ms: ${this.#describeNodes()}`)
      this.#cluster.run(TICK_MS)
    }
  }

  #describeNodes(): string {
    const lines = this.#cluster.nodes.map(({ id, replica }) => {
      if (replica === null) return `n${id} down`
      const { role, term, commitIndex, appliedIndex, lastLog, membership } = replica.view
      const parts = [membership.voters, membership.outgoing, membership.learners].map((ids) => ids.join(',')).join(' / ')
      return `n${id} ${role} term ${term} log ${lastLog.index} commit ${commitIndex} applied ${appliedIndex} [${parts}]`
    })
    return lines.join('; ')
  }

  #report(): RunReport {
    const { trace, scheduler, checker, counters } = this.#cluster
    for (const node of this.#cluster.running) this.#cluster.collect(node)
    return {
      seed: this.#seed,
      hash: trace.hash,
      nextRandom: this.#random.nextUint32(),
      virtualMs: scheduler.now,
      events: scheduler.executed,
      committed: checker.lastCommitted,
      clients: this.#clients.counters,
      counters,
    }
  }
}

function describeState({ state }: SimNode): string {
  const { rows } = state.scan({ start: new Uint8Array(0), end: null }, 1000, Number.MAX_SAFE_INTEGER)
  return rows.map(({ key, value, modRevision, version }) => `${key.join()}=${value.join()}@${modRevision}/${version}`).join(' ')
}

/** Runs one seed. @throws FailedRun */
export function runSeed(options: RunOptions): RunReport {
  const run = new Run(options)
  try {
    return run.execute()
  } catch (error) {
    throw new FailedRun(options.seed, error, run.trace())
  }
}

/** One line for people. */
export function describeRun({ seed, hash, virtualMs, events, committed, clients, counters }: RunReport): string {
  const found = Object.entries(counters)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`)
  const { ok, failed, unknown } = clients
  const facts = `${(virtualMs / 1000).toFixed(1)} s, ${events} events, ${committed} commits, ${ok}/${failed}/${unknown} ok/failed/unknown`
  return `seed ${seed} ${hash}: ${facts}; ${found.join(', ')}`
}

/** Whole replicas in one process: machines on a network, watched after every step. */
import { decodePeerMessage } from '../src/wire/index.ts'
import { SafetyChecker } from './invariants.ts'
import type { EntryIdentity } from './invariants.ts'
import { forkPrng } from './fork-prng.ts'
import type { Sabotage } from './sabotage.ts'
import { Scheduler } from './scheduler.ts'
import { SimNetwork } from './sim-network.ts'
import type { CrashKind } from './sim-network.ts'
import { endpointIdOf, SimNode } from './sim-node.ts'
import { Trace } from './trace.ts'
import type { Weather } from './weather.ts'

export interface ClusterCounters {
  leaderChanges: number
  splitVotes: number
  longTruncations: number
  jointChangesCutByCrash: number
  conflictingSnapshots: number
  snapshotsInstalled: number
  followerReadsAfterTermChange: number
  clamps: number
  crashes: number
  livesWithPurges: number
}

export interface SimClusterOptions {
  readonly seed: number
  readonly weather: Weather
  readonly sabotage?: Sabotage
  readonly trustsDisks?: boolean
  /** Lines of the trace to keep. */
  readonly keepLines?: number
}

const CLUSTER_ID = '0123456789abcdef0123456789abcdef'
const ADMIN_PATIENCE_MS = 2000
/** A run of a few virtual seconds takes ten thousands. */
const MAX_EVENTS = 400_000

export class SimCluster {
  readonly scheduler = new Scheduler()
  readonly trace: Trace
  readonly checker: SafetyChecker
  readonly network: SimNetwork
  readonly nodes: readonly SimNode[]
  readonly counters: ClusterCounters = {
    leaderChanges: 0,
    splitVotes: 0,
    longTruncations: 0,
    jointChangesCutByCrash: 0,
    conflictingSnapshots: 0,
    snapshotsInstalled: 0,
    followerReadsAfterTermChange: 0,
    clamps: 0,
    crashes: 0,
    livesWithPurges: 0,
  }
  /** Called when the process of a node ends, before it is gone. */
  onCrash: (node: SimNode) => void = () => undefined
  readonly #founders: number

  constructor(options: SimClusterOptions) {
    const { seed, weather, sabotage = 'none', trustsDisks = true } = options
    this.trace = new Trace(options.keepLines)
    this.checker = new SafetyChecker(trustsDisks)
    this.#founders = weather.founders
    this.network = new SimNetwork(this.scheduler, forkPrng(seed, 'network'), weather.network, (from, to, lane, bytes) => {
      this.trace.record(this.scheduler.now, `n${Number.parseInt(to, 16)}`, 'hears', Number.parseInt(from, 16), lane, bytes.length)
      this.trace.note(() => describeMessage(bytes))
    })
    // Consensus survives what links rule out; a forwarded write relies on arriving once.
    this.network.mayDouble = (bytes) => decodePeerMessage(bytes).type === 'raft'
    const ids = Array.from({ length: weather.founders + weather.spares }, (_, i) => i + 1)
    this.nodes = ids.map(
      (id) =>
        new SimNode({
          id,
          seed,
          scheduler: this.scheduler,
          network: this.network,
          checker: this.checker,
          disk: weather.disk,
          sabotage,
          retainedEntries: weather.retainedEntries,
          checkpointIntervalEntries: weather.checkpointIntervalEntries,
          peers: ids,
          afterEvent: (node) => this.#observe(node),
          onFatal: (node, error) => this.#fatal(node, error),
        }),
    )
  }

  get running(): SimNode[] {
    return this.nodes.filter(({ life }) => life !== null)
  }

  /** The node that leads the latest term, as far as one does. */
  get leader(): SimNode | undefined {
    const leaders = this.running.filter(({ replica }) => replica?.view.role === 'leader')
    return leaders.toSorted((a, b) => (b.replica?.view.term ?? 0) - (a.replica?.view.term ?? 0))[0]
  }

  start(node: SimNode): void {
    this.trace.record(this.scheduler.now, `n${node.id}`, 'starts')
    node.start()
    this.#observe(node)
  }

  crash(node: SimNode, kind: CrashKind): void {
    this.trace.record(this.scheduler.now, `n${node.id}`, 'crashes', kind)
    this.counters.crashes++
    if ((node.replica?.view.membership.outgoing.length ?? 0) > 0) this.counters.jointChangesCutByCrash++
    this.collect(node)
    this.onCrash(node)
    node.crash(kind)
  }

  /** Goes one step towards a cluster of all founders: node 1 begins alone, adds the others, and makes them voters. True when it is done. */
  found(): boolean {
    const [founder] = this.nodes
    const replica = founder?.replica
    const life = founder?.life
    if (replica === null || replica === undefined || life === null || life === undefined) return false
    const deadline = life.clock.now() + ADMIN_PATIENCE_MS
    const { members, voters } = replica.view.membership
    const wanted = this.nodes.slice(0, this.#founders).map(({ id }) => id)
    if (members.length === 0) {
      const self = { id: 1, endpointId: endpointIdOf(1), addresses: [] }
      replica.init([1], CLUSTER_ID, self, deadline, () => undefined)
      return false
    }
    const missing = wanted.find((id) => !members.some((member) => member.id === id))
    if (missing !== undefined)
      replica.administer({ op: 'add-learner', nodeId: missing, endpointId: null }, deadline, () => undefined)
    else if (voters.length < wanted.length) {
      replica.administer({ op: 'change-membership', members: wanted, learners: null }, deadline, () => undefined)
    }
    return missing === undefined && voters.length === wanted.length && this.checker.lastCommitted > 0
  }

  run(ms: number): void {
    const until = this.scheduler.now + ms
    while (this.scheduler.step(until)) {
      if (this.scheduler.executed > MAX_EVENTS)
        throw new Error(`${MAX_EVENTS} events were not enough: the cluster runs in circles`)
    }
  }

  /** Adds what a node's core has counted in this life. */
  collect(node: SimNode): void {
    const view = node.replica?.view
    if (view === undefined) return
    const { counters, purgedIndex } = view
    this.counters.leaderChanges += counters.leaderChanges
    this.counters.splitVotes += counters.electionsLost
    this.counters.longTruncations += counters.longTruncations
    this.counters.conflictingSnapshots += counters.conflictingSnapshots
    this.counters.snapshotsInstalled += counters.snapshotsRestored
    this.counters.clamps += counters.clamps
    if (purgedIndex > 0) this.counters.livesWithPurges++
  }

  committedAt(index: number): EntryIdentity | undefined {
    return this.checker.committedAt(index)
  }

  #observe(node: SimNode): void {
    const { replica } = node
    if (replica === null) return
    const { role, term, commitIndex } = replica.view
    const termAt = (index: number): number | undefined => replica.termAt(index)
    if (role === 'leader') this.checker.leads(node.id, term, termAt)
    this.checker.commits(node.id, commitIndex, role === 'leader' ? term : null, termAt)
  }

  #fatal(node: SimNode, error: Error): never {
    throw new Error(`node ${node.id} poisoned itself: ${error.message}`, { cause: error })
  }
}

function describeMessage(bytes: Uint8Array): string {
  return JSON.stringify(decodePeerMessage(bytes), (name, value: unknown) => {
    if (value instanceof Uint8Array) return `${value.length} bytes`
    return name === 'members' ? undefined : value
  })
}

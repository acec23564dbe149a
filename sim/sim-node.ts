/**
 * One simulated machine: its disks outlive its processes. A process is a whole replica with the log, state machine and
 * snapshot store that run in production, over simulated disk, network and clock.
 */
import { assert } from '../src/lib/index.ts'
import { noMetrics, silentLogger } from '../src/ports/index.ts'
import type { LogStore, StateMachine, Transport } from '../src/ports/index.ts'
import type { Timings } from '../src/raft/index.ts'
import { openReplica } from '../src/replica/index.ts'
import type { Replica } from '../src/replica/index.ts'
import { openSegmentedLog } from '../src/storage/log/index.ts'
import { openMemoryStateMachine, openSnapshotFiles } from '../src/storage/state/index.ts'
import { forkPrng } from './fork-prng.ts'
import type { SafetyChecker } from './invariants.ts'
import { Life } from './life.ts'
import { HastyLog } from './sabotage.ts'
import type { Sabotage } from './sabotage.ts'
import type { Scheduler } from './scheduler.ts'
import { SimDisk } from './sim-disk.ts'
import type { DiskProfile } from './sim-disk.ts'
import type { CrashKind, SimNetwork } from './sim-network.ts'
import { watchLog, watchState } from './watched-ports.ts'

const TIMINGS: Timings = { heartbeatIntervalMs: 50, electionTimeoutMinMs: 150, electionTimeoutMaxMs: 300 }
const SEGMENT_SIZE = 8192

export interface SimNodeOptions {
  readonly id: number
  readonly seed: number
  readonly scheduler: Scheduler
  readonly network: SimNetwork
  readonly checker: SafetyChecker
  readonly disk: DiskProfile
  readonly sabotage: Sabotage
  /** Entries kept behind the applied one, and applied between two checkpoints. */
  readonly retainedEntries: number
  readonly checkpointIntervalEntries: number
  readonly peers: readonly number[]
  /** Called after every event of this node's process, with the process as it is then. */
  readonly afterEvent: (node: SimNode) => void
  readonly onFatal: (node: SimNode, error: Error) => void
}

interface RunningProcess {
  readonly life: Life
  readonly transport: Transport
  readonly state: StateMachine
  replica: Replica | null
}

/** The key of a node, for its id. */
export function endpointIdOf(id: number): string {
  return id.toString(16).padStart(64, '0')
}

export class SimNode {
  readonly id: number
  readonly endpointId: string
  readonly #options: SimNodeOptions
  readonly #logDisk: SimDisk
  readonly #snapshotDisk: SimDisk
  #process: RunningProcess | null = null
  #lives = 0

  constructor(options: SimNodeOptions) {
    this.#options = options
    this.id = options.id
    this.endpointId = endpointIdOf(options.id)
    this.#logDisk = new SimDisk(forkPrng(options.seed, `log disk ${options.id}`), options.disk)
    this.#snapshotDisk = new SimDisk(forkPrng(options.seed, `snapshot disk ${options.id}`), options.disk)
    this.#logDisk.lieAboutSync = options.sabotage === 'lie-about-sync'
  }

  get disks(): readonly SimDisk[] {
    return [this.#logDisk, this.#snapshotDisk]
  }

  /** The process, while there is one. */
  get life(): Life | null {
    return this.#process?.life ?? null
  }

  /** The replica, once it has recovered. */
  get replica(): Replica | null {
    return this.#process?.replica ?? null
  }

  get state(): StateMachine {
    assert(this.#process !== null, `node ${this.id} is down`)
    return this.#process.state
  }

  start(): void {
    assert(this.#process === null, `node ${this.id} runs already`)
    const { scheduler, checker, network, seed } = this.#options
    const life = new Life(scheduler, `n${this.id}`, () => this.#options.afterEvent(this))
    const log = this.#openLog(life)
    const defer = (run: () => void): void => life.clock.defer(run)
    const snapshots = openSnapshotFiles(this.#snapshotDisk.mount(life), { defer })
    const clusterId = (): string | null => this.replica?.view.clusterId ?? null
    const bare = openMemoryStateMachine({ snapshots, volatile: false, defer, clusterId })
    const { hardState, purged, entries } = log.recovered
    const identities = entries.map(({ index, term }) => ({ index, term, digest: null }))
    checker.started(this.id, { ...hardState, purged, entries: identities, applied: bare.info().applied.index })
    const state = watchState(bare, this.id, checker, () => this.#options.afterEvent(this))
    const transport = network.attach(this.endpointId, life)
    const process: RunningProcess = { life, transport, state, replica: null }
    this.#process = process
    openReplica(
      {
        nodeId: this.id,
        clock: life.clock,
        random: forkPrng(seed, `replica ${this.id} life ${++this.#lives}`),
        log: watchLog(log, this.id, checker),
        stateMachine: state,
        snapshots,
        transport,
        logger: silentLogger,
        metrics: noMetrics,
        timings: TIMINGS,
        retainedEntries: this.#options.retainedEntries,
        checkpointIntervalEntries: this.#options.checkpointIntervalEntries,
        onFatal: (error) => this.#options.onFatal(this, error),
        onLinked: () => undefined,
        nodeIdHint: () => null,
        onMembership: () => undefined,
      },
      (error, replica) => {
        if (error !== undefined || replica === undefined) throw error ?? new Error(`node ${this.id} did not open`)
        process.replica = replica
        this.#join(replica, transport)
      },
    )
  }

  #join(replica: Replica, transport: Transport): void {
    // Everything but the announcement of its addresses, which nobody needs here, is done when the call returns.
    replica.start().catch((reason: unknown) => this.#options.onFatal(this, reason as Error))
    for (const peer of this.#options.peers) if (peer !== this.id) transport.connect(endpointIdOf(peer), [])
  }

  /** Between two events everything stops. */
  crash(kind: CrashKind): void {
    assert(this.#process !== null, `node ${this.id} is down already`)
    this.#process.life.end()
    this.#process = null
    this.#options.network.crashed(this.endpointId, kind)
    if (kind === 'power-cut') for (const disk of this.disks) disk.cutPower()
  }

  #openLog(life: Life): LogStore {
    const { sabotage } = this.#options
    const log = openSegmentedLog(this.#logDisk.mount(life), {
      storeId: endpointIdOf(this.id).slice(32),
      segmentSize: SEGMENT_SIZE,
      defer: (run) => life.clock.defer(run),
    })
    if (sabotage === 'none' || sabotage === 'lie-about-sync') return log
    return new HastyLog(log, sabotage, (run) => life.clock.defer(run))
  }
}

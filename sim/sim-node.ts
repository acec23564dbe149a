/**
 * One simulated machine: its disks outlive its processes. A process is a whole replica with the log, state machine and
 * snapshot store that run in production, over simulated disk, network and clock.
 */
import { assert, chance, randomBetween } from '../src/lib/index.ts'
import type { LogStore, StateMachine, Transport, Volume } from '../src/ports/index.ts'
import { openReplica } from '../src/replica/index.ts'
import type { Replica } from '../src/replica/index.ts'
import { weighedDown } from './ballast.ts'
import { forkPrng, Life, openSimulatedStores, SIMULATED_TIMINGS, SimDisk, UNOBSERVED } from '../src/simulation/index.ts'
import type { CrashKind, DiskFailure, DiskProfile, Scheduler, SimNetwork, SimulatedStores } from '../src/simulation/index.ts'
import type { SafetyChecker } from './invariants.ts'
import { HastyLog } from './sabotage.ts'
import type { Sabotage } from './sabotage.ts'
import { watchLog, watchState } from './watched-ports.ts'
import { watchSends } from './watched-transport.ts'

const SEGMENT_SIZE = 8192
/** How long a node that stops waits for what it has accepted, and for another leader. */
const STOP_GRACE_MS = 1000
/** A tenth, in steps that keep every time of a clock exact. */
const MAX_DRIFT = 102
const DRIFT_STEPS = 1024
/** Keys of one machine differ by multiples of this; the rest of a key is the id. */
const KEYS_PER_ID = 0x100

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
  /** How likely the clock of a life does not keep the world's pace. */
  readonly clockDrift: number
  /** What the state is said to hold besides what is in it. */
  readonly ballastBytes: () => number
  /** The keys of the other machines, as they are now. */
  readonly peers: () => readonly string[]
  /** Called after every event of this node's process, with the process as it is then. */
  readonly afterEvent: (node: SimNode) => void
  readonly onFatal: (node: SimNode, error: Error) => void
  /** The process ended at its start, because of what it found on its disks or could not write there. */
  readonly onRefused: (node: SimNode, error: Error) => void
  /** The replica has made sense of its disks, and is about to take part. */
  readonly onOpened: (node: SimNode) => void
  /** An orderly stop is through. */
  readonly onStopped: (node: SimNode) => void
  readonly onDiskFailure: (node: SimNode, failure: DiskFailure & { readonly disk: 'log' | 'snapshots' }) => void
  /** What a poisoned node does that it must not. */
  readonly onViolation: (property: string, message: string) => void
}

/** What a process works with, besides its clock. */
export interface ProcessPorts extends SimulatedStores {
  readonly transport: Transport
}

interface RunningProcess {
  readonly life: Life
  readonly ports: ProcessPorts
  replica: Replica | null
  readonly closeLog: (done: () => void) => void
  stopping: boolean
}

/** The key of a node: that of its id, and of how often it has lost it. */
export function endpointIdOf(id: number, keysLost = 0): string {
  return (keysLost * KEYS_PER_ID + id).toString(16).padStart(64, '0')
}

/** Whose key it is, or was. */
export function idOfEndpoint(endpointId: string): number {
  return Number.parseInt(endpointId, 16) % KEYS_PER_ID
}

export class SimNode {
  readonly id: number
  readonly #options: SimNodeOptions
  readonly #logDisk: SimDisk
  readonly #snapshotDisk: SimDisk
  #process: RunningProcess | null = null
  #lives = 0
  #keysLost = 0
  /** Bits were flipped since the last start that went well: the next one may be refused. */
  damaged = false
  /** The replica of this life has failed: nothing may come from it any more. */
  poisoned = false

  constructor(options: SimNodeOptions) {
    this.#options = options
    this.id = options.id
    this.#logDisk = this.#createDisk('log')
    this.#snapshotDisk = this.#createDisk('snapshots')
    this.#logDisk.lieAboutSync = options.sabotage === 'lie-about-sync'
  }

  get endpointId(): string {
    return endpointIdOf(this.id, this.#keysLost)
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
    return this.#process.ports.stateMachine
  }

  /** What the process is made of, once it has recovered. */
  get parts(): { readonly life: Life; readonly replica: Replica; readonly ports: ProcessPorts } {
    const { life = null, replica = null, ports = null } = this.#process ?? {}
    assert(life !== null && replica !== null && ports !== null, `node ${this.id} has not recovered`)
    return { life, replica, ports }
  }

  get stopping(): boolean {
    return this.#process?.stopping === true
  }

  start(): void {
    assert(this.#process === null, `node ${this.id} runs already`)
    this.poisoned = false
    const life = this.#createLife()
    try {
      this.#boot(life)
    } catch (error) {
      this.#refuse(life, error as Error)
    }
  }

  #boot(life: Life): void {
    const { bareLog, ...stores } = this.#openStores(life)
    const transport = watchSends(this.#options.network.attach(this.endpointId, life), () => this.#checkSilence())
    const closeLog = (done: () => void): void => bareLog.close(() => stores.stateMachine.close(() => done()))
    const ports: ProcessPorts = { ...stores, transport }
    const process: RunningProcess = { life, ports, replica: null, closeLog, stopping: false }
    this.#process = process
    openReplica(
      {
        ...UNOBSERVED,
        ...ports,
        nodeId: this.id,
        clock: life.clock,
        random: forkPrng(this.#options.seed, `replica ${this.id} life ${this.#lives}`),
        volumes: this.#volumes(),
        timings: SIMULATED_TIMINGS,
        retainedEntries: this.#options.retainedEntries,
        checkpointIntervalEntries: this.#options.checkpointIntervalEntries,
        onClusterId: (clusterId) => transport.announce({ clusterId }),
        onFatal: (error) => {
          this.poisoned = true
          this.#options.onFatal(this, error)
        },
      },
      (error, replica) => {
        if (replica === undefined) this.#refuse(life, error ?? new Error(`node ${this.id} did not open`))
        else this.#join(process, replica)
      },
    )
  }

  #join(process: RunningProcess, replica: Replica): void {
    process.replica = replica
    this.#options.onOpened(this)
    this.damaged = false
    const { transport } = process.ports
    replica.start()
    const claims = { nodeId: this.id, clusterId: replica.view.clusterId, addresses: transport.addresses() }
    transport.start(claims).catch((reason: unknown) => this.#options.onFatal(this, reason as Error))
    for (const endpointId of this.#options.peers()) {
      if (endpointId !== this.endpointId) transport.connect({ endpointId, addresses: [], relay: null })
    }
  }

  #refuse(life: Life, error: Error): void {
    life.end()
    this.#process = null
    this.#options.network.crashed(this.endpointId, 'killed')
    this.#options.onRefused(this, error)
  }

  /** Between two events everything stops. */
  crash(kind: CrashKind): void {
    assert(this.#process !== null, `node ${this.id} is down already`)
    this.#process.life.end()
    this.#process = null
    this.#options.network.crashed(this.endpointId, kind)
    if (kind === 'power-cut') for (const disk of this.disks) disk.cutPower()
  }

  /** Asks the process to end in order, as SIGTERM does: it hands leadership over and closes its files. */
  stop(): void {
    const process = this.#process
    if (process === null || process.replica === null || process.stopping) return
    const { life, replica, ports, closeLog } = process
    process.stopping = true
    life.after(0, () => {
      replica.stop(life.clock.now() + STOP_GRACE_MS, () => {
        replica.close()
        ports.transport.close().catch((reason: unknown) => this.#options.onFatal(this, reason as Error))
        closeLog(() => this.#options.onStopped(this))
      })
    })
  }

  pause(): void {
    this.#process?.life.pause()
    this.#options.network.paused(this.endpointId)
  }

  /** The disks of a machine that is down are replaced by empty ones: it will come back as a stranger, under a key of its own. */
  loseDisks(): void {
    assert(this.#process === null, `node ${this.id} runs`)
    for (const disk of this.disks) disk.wipe()
    this.#options.network.retire(this.endpointId)
    this.#options.checker.forgotten(this.id)
    this.damaged = false
    this.#keysLost++
  }

  #createLife(): Life {
    const { scheduler, seed, clockDrift } = this.#options
    const random = forkPrng(seed, `clock ${this.id} life ${++this.#lives}`)
    const drift = chance(random, clockDrift) ? randomBetween(random, -MAX_DRIFT, MAX_DRIFT) : 0
    return new Life(scheduler, `n${this.id}`, () => this.#options.afterEvent(this), 1 + drift / DRIFT_STEPS)
  }

  #createDisk(name: 'log' | 'snapshots'): SimDisk {
    const { seed, id, disk: profile } = this.#options
    const label = name === 'log' ? 'log' : 'snapshot'
    const disk = new SimDisk(forkPrng(seed, `${label} disk ${id}`), profile)
    disk.onFailure = (failure) => this.#options.onDiskFailure(this, { ...failure, disk: name })
    return disk
  }

  #volumes(): Volume[] {
    return [
      { directory: 'log', space: () => this.#logDisk.space() },
      { directory: 'snapshots', space: () => this.#snapshotDisk.space() },
    ]
  }

  #checkSilence(): void {
    if (this.poisoned) this.#options.onViolation('poisoned nodes are silent', `node ${this.id} sends although it has failed`)
  }

  /** Stores that the checker watches; the log as it is, besides, to be closed. */
  #openStores(life: Life): SimulatedStores & { readonly bareLog: LogStore } {
    const { sabotage, checker, ballastBytes, afterEvent } = this.#options
    const bare = openSimulatedStores({
      life,
      logDisk: this.#logDisk.mount(life),
      snapshotDisk: this.#snapshotDisk.mount(life),
      endpointId: this.endpointId,
      segmentSize: SEGMENT_SIZE,
      clusterId: () => this.replica?.view.clusterId ?? null,
    })
    const isHasty = sabotage !== 'none' && sabotage !== 'lie-about-sync'
    const bareLog = isHasty ? new HastyLog(bare.log, sabotage, (run) => life.clock.defer(run)) : bare.log
    const { hardState, purged, entries } = bareLog.recovered
    const identities = entries.map(({ index, term }) => ({ index, term, digest: null }))
    const applied = bare.stateMachine.info().applied.index
    checker.started(this.id, { ...hardState, purged, entries: identities, applied })
    const weighed = weighedDown(bare.stateMachine, ballastBytes)
    return {
      bareLog,
      log: watchLog(bareLog, this.id, checker),
      snapshots: bare.snapshots,
      stateMachine: watchState(weighed, this.id, checker, () => afterEvent(this)),
    }
  }
}

/**
 * One machine of a small world: its disks outlive its processes. A process is a replica with the log, state machine and snapshot
 * store that run in production, over simulated disk, network and time, and it can be paused.
 */
import assert from 'node:assert/strict'
import { watchSends } from '../../sim/watched-transport.ts'
import type { StateMachine, Transport } from '../../src/ports/index.ts'
import { openReplica } from '../../src/replica/index.ts'
import type { Replica, ReplicaOptions } from '../../src/replica/index.ts'
import {
  FAST_DISK,
  forkPrng,
  Life,
  openSimulatedStores,
  SIMULATED_TIMINGS,
  SimDisk,
  UNOBSERVED,
} from '../../src/simulation/index.ts'
import type { CrashKind, PauseKind, Scheduler, SimNetwork } from '../../src/simulation/index.ts'
import { FailingSyncs } from './failing-syncs.ts'

const SEGMENT_SIZE = 8192

export interface MachineOptions {
  readonly id: number
  readonly seed: number
  readonly scheduler: Scheduler
  readonly network: SimNetwork
  readonly ids: readonly number[]
  readonly retainedEntries: number
  readonly checkpointIntervalEntries: number
  /** Called after every event of the machine's process. */
  readonly afterEvent: (machine: Machine) => void
  /** A promise was broken that no demand of a scenario looks at. */
  readonly violated: (words: string) => void
}

export interface RunningProcess {
  readonly life: Life
  readonly replica: Replica
  readonly state: StateMachine
}

export function endpointOf(id: number): string {
  return id.toString(16).padStart(64, '0')
}

export class Machine {
  readonly id: number
  readonly logDisk: SimDisk
  readonly snapshotDisk: SimDisk
  readonly syncs = new FailingSyncs()
  /** Why the process would not start with what it found on its disks, or stopped itself; null while it is well. */
  refusal: Error | null = null
  failure: Error | null = null
  readonly #options: MachineOptions
  #life: Life | null = null
  #process: RunningProcess | null = null
  #lives = 0

  constructor(options: MachineOptions) {
    const { id, seed } = options
    this.#options = options
    this.id = id
    this.logDisk = new SimDisk(forkPrng(seed, `log disk ${id}`), FAST_DISK)
    this.snapshotDisk = new SimDisk(forkPrng(seed, `snapshot disk ${id}`), FAST_DISK)
  }

  /** A process exists, paused or not, and has not stopped itself. */
  get running(): boolean {
    return this.#life !== null && this.failure === null
  }

  /** The process, once it takes part. */
  get process(): RunningProcess | null {
    return this.#process
  }

  get paused(): boolean {
    return this.#life?.paused === true
  }

  start(): void {
    assert.equal(this.#life, null, `node ${this.id} runs already`)
    this.failure = null
    this.refusal = null
    this.#lives++
    const life = new Life(this.#options.scheduler, `n${this.id}`, () => this.#options.afterEvent(this))
    this.#life = life
    try {
      this.#open(life)
    } catch (error) {
      this.#refuse(error as Error)
    }
  }

  crash(kind: CrashKind): void {
    assert.ok(this.#life !== null, `node ${this.id} is down already`)
    this.#end(kind)
    if (kind === 'power-cut') for (const disk of [this.logDisk, this.snapshotDisk]) disk.cutPower()
  }

  pause(kind: PauseKind): void {
    this.#life?.pause(kind)
  }

  resume(): void {
    this.#life?.resume()
  }

  /** Hands something to the process, which takes it when it runs; false when there is none. */
  ask(use: (process: RunningProcess, now: number) => void): boolean {
    const { process } = this
    process?.life.after(0, () => use(process, process.life.clock.now()))
    return process !== null
  }

  #open(life: Life): void {
    const { seed, network, retainedEntries, checkpointIntervalEntries } = this.#options
    const stores = openSimulatedStores({
      life,
      logDisk: this.syncs.mount(this.logDisk.mount(life)),
      snapshotDisk: this.snapshotDisk.mount(life),
      endpointId: endpointOf(this.id),
      segmentSize: SEGMENT_SIZE,
      clusterId: () => this.#process?.replica.view.clusterId ?? null,
    })
    const transport = this.#overheard(network.attach(endpointOf(this.id), life))
    const options: ReplicaOptions = {
      ...UNOBSERVED,
      ...stores,
      nodeId: this.id,
      clock: life.clock,
      random: forkPrng(seed, `replica ${this.id} life ${this.#lives}`),
      transport,
      timings: SIMULATED_TIMINGS,
      retainedEntries,
      checkpointIntervalEntries,
      onClusterId: (clusterId) => transport.announce({ clusterId }),
      onFatal: (error) => this.#fail(error),
    }
    openReplica(options, (error, replica) => {
      if (replica === undefined) this.#refuse(error ?? new Error(`node ${this.id} did not open`))
      else this.#join({ life, replica, state: stores.stateMachine }, transport)
    })
  }

  #join(process: RunningProcess, transport: Transport): void {
    this.#process = process
    const { replica } = process
    replica.start()
    const claims = { nodeId: this.id, clusterId: replica.view.clusterId, addresses: transport.addresses() }
    transport.start(claims).catch((reason: unknown) => this.#fail(reason as Error))
    for (const id of this.#options.ids) {
      if (id !== this.id) transport.connect({ endpointId: endpointOf(id), addresses: [], relay: null })
    }
  }

  /** A node that has failed may have said anything before, and nothing from then on. */
  #overheard(transport: Transport): Transport {
    return watchSends(transport, () => {
      if (this.failure === null) return
      this.#options.violated(`node ${this.id} speaks although it has failed: ${this.failure.message}`)
    })
  }

  /** A process stops itself over a disk that fails, which a scenario may want. Over anything else it never should. */
  #fail(error: Error): void {
    this.failure = error
    if (!this.syncs.caused(error)) this.#options.violated(`node ${this.id} stopped itself: ${error.stack ?? error.message}`)
  }

  #refuse(error: Error): void {
    this.#end('killed')
    this.refusal = error
  }

  #end(kind: CrashKind): void {
    this.#life?.end()
    this.#life = null
    this.#process = null
    this.#options.network.crashed(endpointOf(this.id), kind)
  }
}

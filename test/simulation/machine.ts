/**
 * One machine of a small world: its disks outlive its processes. A process is a replica with the log, state machine and snapshot
 * store that run in production, over simulated disk, network and time, and it can be paused.
 */
import { LANGUAGE, LaterVersion } from '../../src/commands/index.ts'
import type { Language } from '../../src/commands/index.ts'
import type { Face, NodePorts, NodeSettings } from '../../src/node/index.ts'
import type { StateMachine, Transport } from '../../src/ports/index.ts'
import type { Replica } from '../../src/replica/index.ts'
import { Life, simEndpointId, SimMachine } from '../../src/simulation/index.ts'
import type { CrashKind, PauseKind, Scheduler, SimDisk, SimNetwork } from '../../src/simulation/index.ts'
import { watchSends } from '../../sim/watched-transport.ts'
import { FailingSyncs } from './failing-syncs.ts'

export interface MachineOptions {
  readonly id: number
  readonly seed: number
  readonly scheduler: Scheduler
  readonly network: SimNetwork
  readonly ids: readonly number[]
  readonly retainedEntries: number
  readonly checkpointIntervalEntries: number
  readonly settings?: Partial<NodeSettings>
  /** What serves each life of the machine. */
  readonly faces?: (ports: NodePorts) => readonly Face[]
  /** What opens the stores of each life, when it is not what opens those on its disks. */
  readonly stores?: (id: number, ports: NodePorts) => NodePorts['openStores']
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

export { simEndpointId as endpointOf }

export class Machine {
  readonly id: number
  readonly syncs = new FailingSyncs()
  /** What the next process can apply: the version of the program that is installed. */
  language: Language = LANGUAGE
  /** Why the process would not start with what it found on its disks, or stopped itself; null while it is well. */
  refusal: Error | null = null
  failure: Error | null = null
  /** What the scenario has its process stop itself over, beside what any may. */
  meantToFail: (error: Error) => boolean = () => false
  readonly #options: MachineOptions
  readonly #machine: SimMachine

  constructor(options: MachineOptions) {
    const { id: nodeId, seed, scheduler, network, ids, retainedEntries, checkpointIntervalEntries } = options
    this.#options = options
    this.id = nodeId
    this.#machine = new SimMachine({
      nodeId,
      seed,
      scheduler,
      network,
      peers: () => ids.map((id) => simEndpointId(id)),
      settings: { retainedEntries, checkpointIntervalEntries, ...options.settings },
      language: () => this.language,
      createLife: () => new Life(scheduler, `n${nodeId}`, () => options.afterEvent(this)),
      mountLog: (disk) => this.syncs.mount(disk),
      watch: (ports) => ({
        ...ports,
        transport: this.#overheard(ports.transport),
        faces: options.faces?.(ports) ?? [],
        openStores: options.stores?.(nodeId, ports) ?? ports.openStores,
      }),
      events: {
        opened: () => undefined,
        refused: (_, error) => void (this.refusal = error),
        failed: (_, error) => this.#fail(error),
        stopped: () => undefined,
      },
    })
  }

  get logDisk(): SimDisk {
    return this.#machine.logDisk
  }

  get snapshotDisk(): SimDisk {
    return this.#machine.snapshotDisk
  }

  get server(): SimMachine['server'] {
    return this.#machine.server
  }

  restartReplica(): void {
    this.#machine.restartReplica()
  }

  /** A process exists, paused or not, and has not stopped itself. */
  get running(): boolean {
    return this.#machine.life !== null && this.failure === null
  }

  /** The process, once it takes part. */
  get process(): RunningProcess | null {
    const { life, replica, state } = this.#machine
    return life === null || replica === null || state === null ? null : { life, replica, state }
  }

  get paused(): boolean {
    return this.#machine.life?.paused === true
  }

  start(): void {
    this.failure = null
    this.refusal = null
    this.#machine.start()
  }

  crash(kind: CrashKind): void {
    this.#machine.crash(kind)
  }

  pause(kind: PauseKind): void {
    this.#machine.life?.pause(kind)
  }

  resume(): void {
    this.#machine.resume()
  }

  /** Hands something to the process, which takes it when it runs; false when there is none. */
  ask(use: (process: RunningProcess, now: number) => void): boolean {
    const { process } = this
    process?.life.after(0, () => use(process, process.life.clock.now()))
    return process !== null
  }

  /** A node that has failed may have said anything before, and nothing from then on. */
  #overheard(transport: Transport): Transport {
    return watchSends(transport, () => {
      if (this.failure !== null) this.#options.violated(`node ${this.id} speaks although it has failed: ${this.failure.message}`)
    })
  }

  /** A process stops itself over a disk that fails, or what is of a later version, which a scenario may want. Over anything else it never should. */
  #fail(error: Error): void {
    this.failure = error
    const meant = this.syncs.caused(error) || error instanceof LaterVersion || this.meantToFail(error)
    if (!meant) this.#options.violated(`node ${this.id} stopped itself: ${error.stack ?? error.message}`)
  }
}

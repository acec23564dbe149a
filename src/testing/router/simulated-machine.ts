/**
 * One simulated machine: its disks outlive its processes. A process is what a node is in production, above its ports: log,
 * state, snapshots, replica, actor and the public interfaces, over simulated disk, network and time.
 */
import { NodeService, RaftActor } from '../../cluster/index.ts'
import type { ServiceParts } from '../../cluster/index.ts'
import { DEFAULT_MAILBOX_CAPACITY } from '../../limits.ts'
import { PeerBook } from '../../net/index.ts'
import type { StateMachine, Transport } from '../../ports/index.ts'
import { openReplica } from '../../replica/index.ts'
import type { Replica } from '../../replica/index.ts'
import { FAST_DISK, forkPrng, Life, openSimulatedStores, SIMULATED_TIMINGS, SimDisk, UNOBSERVED } from '../../simulation/index.ts'
import type { CrashKind, Scheduler, SimNetwork } from '../../simulation/index.ts'

const SEGMENT_SIZE = 64 * 1024
const RETAINED_ENTRIES = 1_000
const CHECKPOINT_INTERVAL_ENTRIES = 200
const CLUSTER_ID_PARTS = 4

export interface MachineOptions {
  readonly nodeId: number
  readonly seed: number
  readonly scheduler: Scheduler
  readonly network: SimNetwork
  /** The node ids of all machines: each keeps links to the others. */
  readonly nodeIds: readonly number[]
  /** For requests that name no timeout of their own. */
  readonly requestTimeoutMs: number
  /** A process is open for requests. */
  readonly onOpen: (process: MachineProcess) => void
  readonly onFatal: (nodeId: number, error: Error) => void
}

/** A process, from the moment it takes requests. */
export interface MachineProcess {
  readonly life: Life
  readonly replica: Replica
  readonly service: NodeService
  readonly state: StateMachine
}

/** The key of a node, for its id. */
export function endpointIdOf(nodeId: number): string {
  return nodeId.toString(16).padStart(64, '0')
}

export class SimulatedMachine {
  readonly nodeId: number
  readonly endpointId: string
  readonly #options: MachineOptions
  readonly #logDisk: SimDisk
  readonly #snapshotDisk: SimDisk
  #life: Life | null = null
  #process: MachineProcess | null = null
  #lives = 0

  constructor(options: MachineOptions) {
    const { nodeId, seed } = options
    this.#options = options
    this.nodeId = nodeId
    this.endpointId = endpointIdOf(nodeId)
    this.#logDisk = new SimDisk(forkPrng(seed, `log disk ${nodeId}`), FAST_DISK)
    this.#snapshotDisk = new SimDisk(forkPrng(seed, `snapshot disk ${nodeId}`), FAST_DISK)
  }

  /** Whether a process exists; it may still be opening its data. */
  get running(): boolean {
    return this.#life !== null
  }

  /** The process, while there is one that takes requests. */
  get process(): MachineProcess | null {
    return this.#process
  }

  start(): void {
    if (this.#life !== null) throw new Error(`node ${this.nodeId} runs already`)
    const { scheduler, network } = this.#options
    const life = new Life(scheduler, `n${this.nodeId}`)
    this.#life = life
    this.#lives++
    const stores = openSimulatedStores({
      life,
      logDisk: this.#logDisk.mount(life),
      snapshotDisk: this.#snapshotDisk.mount(life),
      endpointId: this.endpointId,
      segmentSize: SEGMENT_SIZE,
      clusterId: () => this.#process?.replica.view.clusterId ?? null,
    })
    this.#open(life, { ...stores, transport: network.attach(this.endpointId, life) })
  }

  #open(life: Life, ports: Omit<ServiceParts, keyof OwnParts>): void {
    const { nodeId, seed, onFatal } = this.#options
    const random = forkPrng(seed, `node ${nodeId} life ${this.#lives}`)
    const clock = life.clock
    const fatal = (error: Error): void => {
      if (life.alive) onFatal(nodeId, error)
    }
    openReplica(
      {
        ...UNOBSERVED,
        ...ports,
        nodeId,
        clock,
        random,
        timings: SIMULATED_TIMINGS,
        retainedEntries: RETAINED_ENTRIES,
        checkpointIntervalEntries: CHECKPOINT_INTERVAL_ENTRIES,
        onFatal: fatal,
        onClusterId: (clusterId) => ports.transport.announce({ clusterId }),
      },
      (error, replica) => {
        if (replica === undefined) return fatal(error ?? new Error(`node ${nodeId} did not open`))
        const defer = (run: () => void): void => clock.defer(run)
        const own: OwnParts = {
          nodeId,
          version: 'simulated',
          clock,
          replica,
          actor: new RaftActor(replica, { capacity: DEFAULT_MAILBOX_CAPACITY, defer, onFault: fatal }),
          peerBook: new PeerBook(),
          requestTimeoutMs: this.#options.requestTimeoutMs,
          drawClusterId: () => Array.from({ length: CLUSTER_ID_PARTS }, () => hexPart(random.nextUint32())).join(''),
        }
        this.#process = { life, replica, service: new NodeService({ ...ports, ...own }), state: ports.stateMachine }
        this.#join(replica, ports.transport, fatal)
        this.#options.onOpen(this.#process)
      },
    )
  }

  #join(replica: Replica, transport: Transport, fatal: (error: Error) => void): void {
    const { nodeId } = this
    replica.start()
    const claims = { nodeId, clusterId: replica.view.clusterId, addresses: transport.addresses() }
    transport.start(claims).catch((reason: unknown) => fatal(reason as Error))
    for (const peer of this.#options.nodeIds) {
      if (peer !== nodeId) transport.connect({ endpointId: endpointIdOf(peer), addresses: [], relay: null })
    }
  }

  /** Between two events everything stops. A power cut also takes what the disks had not synced. */
  crash(kind: CrashKind): void {
    if (this.#life === null) throw new Error(`node ${this.nodeId} is down already`)
    this.#life.end()
    this.#life = null
    this.#process = null
    this.#options.network.crashed(this.endpointId, kind)
    if (kind === 'power-cut') for (const disk of [this.#logDisk, this.#snapshotDisk]) disk.cutPower()
  }
}

type OwnParts = Pick<
  ServiceParts,
  'nodeId' | 'version' | 'clock' | 'replica' | 'actor' | 'peerBook' | 'requestTimeoutMs' | 'drawClusterId'
>

function hexPart(value: number): string {
  return value.toString(16).padStart(8, '0')
}

/**
 * One simulated machine: its disks outlive its processes. A process is a node as in production, put together by the same code, over
 * simulated disk, network and time.
 */
import { LANGUAGE } from '../commands/index.ts'
import type { Language } from '../commands/index.ts'
import { fail } from '../lib/index.ts'
import { DEFAULT_MAILBOX_CAPACITY, REQUEST_TIMEOUT_MS } from '../limits.ts'
import { openNode } from '../node/index.ts'
import type { Fault, NodePorts, NodeServer, NodeSettings } from '../node/index.ts'
import type { Disk, StateMachine } from '../ports/index.ts'
import { noMetrics, silentLogger } from '../ports/index.ts'
import type { Replica } from '../replica/index.ts'
import { forkPrng } from './fork-prng.ts'
import { Life } from './life.ts'
import type { PauseKind } from './life.ts'
import type { Scheduler } from './scheduler.ts'
import { FAST_DISK, SimDisk } from './sim-disk.ts'
import type { DiskProfile } from './sim-disk.ts'
import type { CrashKind, SimNetwork } from './sim-network.ts'
import { SimPeerStore } from './sim-peer-store.ts'
import { SimRegistryStore } from './sim-registry-store.ts'
import { openSimulatedStores, SIMULATED_TIMINGS } from './simulated-stores.ts'

const SEGMENT_SIZE = 8192
const RETAINED_ENTRIES = 1_000
const CHECKPOINT_INTERVAL_ENTRIES = 200
/** How long a node that stops waits for what it has accepted, and for another leader. */
const STOP_GRACE_MS = 1_000
const CLUSTER_ID_PARTS = 4
/** Keys of one machine differ by multiples of this; the rest of a key is the id. */
const KEYS_PER_ID = 0x100

/** What happens to the processes of a machine. */
export interface MachineEvents {
  /** A node has made sense of its disks, and is about to take part. */
  readonly opened: (machine: SimMachine) => void
  /** A process ended at its start, because of what it found on its disks or could not write there. */
  readonly refused: (machine: SimMachine, error: Error) => void
  /** A node says and does nothing from now on; or could not begin to take part. */
  readonly failed: (machine: SimMachine, error: Error, fault: Fault | null) => void
  /** An orderly stop is through. */
  readonly stopped: (machine: SimMachine) => void
}

export interface SimMachineOptions {
  readonly nodeId: number
  readonly seed: number
  readonly scheduler: Scheduler
  readonly network: SimNetwork
  readonly events: MachineEvents
  /** The keys of the other machines, as they are now: each start is told of them. */
  readonly peers: () => readonly string[]
  readonly settings?: Partial<NodeSettings>
  /** The program that the next process runs: what it can apply. */
  readonly language?: () => Language
  readonly disk?: DiskProfile
  /** Bytes of a segment of the log. */
  readonly segmentSize?: number
  /** What stands between a process and the disk of its log. */
  readonly mountLog?: (disk: Disk) => Disk
  /** Each life by its number, from 1. */
  readonly createLife?: (life: number) => Life
  /** The ports of a life, before a node is put together over them. */
  readonly watch?: (ports: NodePorts, life: Life) => NodePorts
}

/** The key of a node: that of its id, and of how often it has lost it. */
export function simEndpointId(nodeId: number, keysLost = 0): string {
  return (keysLost * KEYS_PER_ID + nodeId).toString(16).padStart(64, '0')
}

/** Whose key it is, or was. */
export function nodeIdOfSimEndpoint(endpointId: string): number {
  return Number.parseInt(endpointId, 16) % KEYS_PER_ID
}

export class SimMachine {
  readonly nodeId: number
  readonly logDisk: SimDisk
  readonly snapshotDisk: SimDisk
  readonly #options: SimMachineOptions
  readonly #peerStore = new SimPeerStore()
  readonly #registryStore: SimRegistryStore
  #life: Life | null = null
  #server: NodeServer | null = null
  #lives = 0
  #keysLost = 0
  #stopping = false

  constructor(options: SimMachineOptions) {
    const { nodeId, seed, disk = FAST_DISK } = options
    this.#options = options
    this.nodeId = nodeId
    this.#registryStore = new SimRegistryStore(() => options.scheduler.now)
    this.logDisk = new SimDisk(forkPrng(seed, `log disk ${nodeId}`), disk)
    this.snapshotDisk = new SimDisk(forkPrng(seed, `snapshot disk ${nodeId}`), disk)
  }

  get endpointId(): string {
    return simEndpointId(this.nodeId, this.#keysLost)
  }

  get disks(): readonly SimDisk[] {
    return [this.logDisk, this.snapshotDisk]
  }

  /** The process, while there is one; it may still be opening its data. */
  get life(): Life | null {
    return this.#life
  }

  /** The node of the process, while there is one that takes requests. */
  get server(): NodeServer | null {
    return this.#server
  }

  get replica(): Replica | null {
    return this.#server?.raft.present?.replica ?? null
  }

  get state(): StateMachine | null {
    return this.#server?.raft.present?.stores.stateMachine ?? null
  }

  get stopping(): boolean {
    return this.#stopping
  }

  start(): void {
    const { createLife, scheduler, watch } = this.#options
    if (this.#life !== null) throw new Error(`node ${this.nodeId} runs already`)
    const number = ++this.#lives
    const life = createLife?.(number) ?? new Life(scheduler, `n${this.nodeId}`)
    this.#life = life
    this.#stopping = false
    const ports = this.#ports(life)
    openNode(watch?.(ports, life) ?? ports, this.#settings(), (error, server) => {
      if (server === undefined) this.#refuse(life, error ?? new Error(`node ${this.nodeId} did not open`))
      else this.#join(server)
    })
  }

  /** Between two events everything stops. A power cut also takes what the disks had not synced. */
  crash(kind: CrashKind): void {
    if (this.#life === null) throw new Error(`node ${this.nodeId} is down already`)
    this.#end(this.#life, kind)
    if (kind === 'power-cut') for (const disk of this.disks) disk.cutPower()
  }

  /** Asks the process to end in order, as SIGTERM does: it hands leadership over and closes its files. */
  stop(): void {
    const life = this.#life
    const server = this.#server
    if (life === null || server === null || this.#stopping) return
    this.#stopping = true
    life.after(0, () =>
      server.stop((error) => {
        if (!life.alive) return
        if (error === undefined) this.#options.events.stopped(this)
        else this.#options.events.failed(this, error, null)
      }),
    )
  }

  /** The replica ends and is opened again in the living process, under the same links. `opened` is called when it serves. */
  restartReplica(opened: () => void = () => undefined): void {
    const { life, server } = this
    life?.after(0, () => {
      // It may be about to stop, or at it already; or have failed for good.
      if (this.#stopping || server === null || server.raft.view.poisoned !== null) return
      server.restartActor('raft', (error) => {
        if (!life.alive) return
        if (error === undefined) opened()
        else this.#options.events.failed(this, error, null)
      })
    })
  }

  /** Its replica fails, for no reason that would keep it from being opened again; at once, or amid what it does next: after so many effects. */
  failReplica(error: Error, effects: number | null): void {
    const { life, server } = this
    const fail = (): void => server?.raft.present?.replica.fail(error)
    if (effects === null) life?.after(0, fail)
    else life?.startle(effects, fail)
  }

  pause(kind: PauseKind = 'stopped'): void {
    this.#life?.pause(kind)
    this.#options.network.paused(this.endpointId)
  }

  resume(): void {
    this.#life?.resume()
  }

  /** The disks of a machine that is down are replaced by empty ones: it will come back as a stranger, under a key of its own. */
  loseDisks(): void {
    if (this.#life !== null) fail(`node ${this.nodeId} runs`)
    for (const disk of this.disks) disk.wipe()
    this.#peerStore.wipe()
    this.#registryStore.wipe()
    this.#options.network.retire(this.endpointId)
    this.#keysLost++
  }

  #join(server: NodeServer): void {
    this.#server = server
    this.#options.events.opened(this)
    // It may have crashed in the event that opened it.
    if (this.#server !== server) return
    server.start().catch((reason: unknown) => this.#options.events.failed(this, reason as Error, null))
  }

  #refuse(life: Life, error: Error): void {
    this.#end(life, 'killed')
    this.#options.events.refused(this, error)
  }

  #end(life: Life, kind: CrashKind): void {
    life.end()
    this.#life = null
    this.#server = null
    this.#options.network.crashed(this.endpointId, kind)
  }

  #settings(): NodeSettings {
    const { nodeId, peers, settings, language = () => LANGUAGE } = this.#options
    const others = peers().filter((endpointId) => endpointId !== this.endpointId)
    return {
      nodeId,
      version: 'simulated',
      language: language(),
      timings: SIMULATED_TIMINGS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      mailboxCapacity: DEFAULT_MAILBOX_CAPACITY,
      peers: others.map((endpointId) => ({ endpointId, nodeId: nodeIdOfSimEndpoint(endpointId), addresses: [] })),
      retainedEntries: RETAINED_ENTRIES,
      checkpointIntervalEntries: CHECKPOINT_INTERVAL_ENTRIES,
      stopGraceMs: STOP_GRACE_MS,
      thorough: true,
      ...settings,
    }
  }

  #ports(life: Life): NodePorts {
    const { seed, network, events, segmentSize = SEGMENT_SIZE, mountLog = (disk) => disk } = this.#options
    const random = forkPrng(seed, `node ${this.nodeId} life ${this.#lives}`)
    return {
      clock: life.clock,
      random,
      transport: network.attach(this.endpointId, life),
      openStores: (language) =>
        openSimulatedStores({
          life,
          logDisk: mountLog(this.logDisk.mount(life)),
          snapshotDisk: this.snapshotDisk.mount(life),
          endpointId: this.endpointId,
          segmentSize,
          clusterId: () => this.#server?.raft.view.clusterId ?? null,
          language,
        }),
      peerStore: this.#peerStore,
      registryStore: this.#registryStore,
      faces: [],
      logger: silentLogger,
      metrics: noMetrics,
      drawClusterId: () => Array.from({ length: CLUSTER_ID_PARTS }, () => hexPart(random.nextUint32())).join(''),
      onFault: (fault) => {
        if (life.alive) events.failed(this, fault.error, fault)
      },
    }
  }
}

function hexPart(value: number): string {
  return value.toString(16).padStart(8, '0')
}

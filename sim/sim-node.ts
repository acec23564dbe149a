/** A simulated machine under the eyes of the safety checker: every life of its node runs over ports that are watched. */
import { LANGUAGE } from '../src/commands/index.ts'
import type { Language } from '../src/commands/index.ts'
import { assert, chance, randomBetween } from '../src/lib/index.ts'
import type { Fault, NodePorts, RaftActorMessage, RaftStores } from '../src/node/index.ts'
import type { StateMachine } from '../src/ports/index.ts'
import type { Entry } from '../src/raft/index.ts'
import type { Replica } from '../src/replica/index.ts'
import { weighedDown } from './ballast.ts'
import { forkPrng, Life, nodeIdOfSimEndpoint, simEndpointId, SimMachine } from '../src/simulation/index.ts'
import type { CrashKind, DiskFailure, DiskProfile, Scheduler, SimDisk, SimNetwork } from '../src/simulation/index.ts'
import { drawTightBounds } from './bounds.ts'
import type { SafetyChecker } from './invariants.ts'
import { HastyLog } from './sabotage.ts'
import type { Sabotage } from './sabotage.ts'
import { watchLog, watchState } from './watched-ports.ts'
import { watchSends } from './watched-transport.ts'

/** A tenth, in steps that keep every time of a clock exact. */
const MAX_DRIFT = 102
const DRIFT_STEPS = 1024

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
  /** How likely its bounds in bytes are small. */
  readonly tightBounds: number
  /** How likely the clock of a life does not keep the world's pace. */
  readonly clockDrift: number
  /** What the program of the next life can apply. */
  readonly language?: (node: SimNode) => Language
  /** The id of the cluster that this node may found. */
  readonly clusterId: string
  /** What the state is said to hold besides what is in it. */
  readonly ballastBytes: () => number
  /** The keys of the other machines, as they are now. */
  readonly peers: () => readonly string[]
  /** Called after every event of this node's process, with the process as it is then. */
  readonly afterEvent: (node: SimNode) => void
  readonly onFatal: (node: SimNode, error: Error) => void
  /** The process ended at its start, because of what it found on its disks or could not write there. */
  readonly onRefused: (node: SimNode, error: Error) => void
  /** The node has made sense of its disks, and is about to take part. */
  readonly onOpened: (node: SimNode) => void
  /** An orderly stop is through. */
  readonly onStopped: (node: SimNode) => void
  readonly onDiskFailure: (node: SimNode, failure: DiskFailure & { readonly disk: 'log' | 'snapshots' }) => void
  /** Whoever waits in promises for the public interfaces of this node goes on. */
  readonly onAnswer: () => void
  /** What a poisoned node does that it must not. */
  readonly onViolation: (property: string, message: string) => void
}

export { nodeIdOfSimEndpoint as idOfEndpoint, simEndpointId as endpointIdOf }

export class SimNode {
  readonly id: number
  readonly #options: SimNodeOptions
  readonly #machine: SimMachine
  /** Bits were flipped since the last start that went well: the next one may be refused. */
  damaged = false
  /** What its state makes of an entry before it applies it. */
  misread: (entry: Entry) => Entry = (entry) => entry
  /** The replica of this life has failed: nothing may come from it any more. */
  poisoned = false

  constructor(options: SimNodeOptions) {
    const { id: nodeId, seed, scheduler, network, disk, peers, retainedEntries, checkpointIntervalEntries } = options
    this.#options = options
    const random = forkPrng(seed, `bounds ${nodeId}`)
    const limits = chance(random, options.tightBounds) ? drawTightBounds(random) : {}
    this.id = nodeId
    this.#machine = new SimMachine({
      nodeId,
      seed,
      scheduler,
      network,
      disk,
      peers,
      settings: { retainedEntries, checkpointIntervalEntries, limits },
      language: () => options.language?.(this) ?? LANGUAGE,
      createLife: (life) => this.#createLife(life),
      watch: (ports, life) => this.#watch(ports, life),
      events: {
        opened: () => {
          options.onOpened(this)
          this.damaged = false
        },
        refused: (_, error) => options.onRefused(this, error),
        failed: (_, error, fault) => this.#failed(error, fault),
        stopped: () => options.onStopped(this),
      },
    })
    const { logDisk, snapshotDisk } = this.#machine
    logDisk.onFailure = (failure) => options.onDiskFailure(this, { ...failure, disk: 'log' })
    snapshotDisk.onFailure = (failure) => options.onDiskFailure(this, { ...failure, disk: 'snapshots' })
    logDisk.lieAboutSync = options.sabotage === 'lie-about-sync'
  }

  get endpointId(): string {
    return this.#machine.endpointId
  }

  get disks(): readonly SimDisk[] {
    return this.#machine.disks
  }

  /** The process, while there is one. */
  get life(): Life | null {
    return this.#machine.life
  }

  /** The node of the process, once it has recovered. */
  get server(): SimMachine['server'] {
    return this.#machine.server
  }

  /** The replica, once it has recovered. */
  get replica(): Replica | null {
    return this.#machine.replica
  }

  get state(): StateMachine {
    const { state } = this.#machine
    assert(state !== null, `node ${this.id} is down`)
    return state
  }

  /** The process and its replica, once it has recovered. */
  get parts(): { readonly life: Life; readonly replica: Replica } {
    const { life, replica } = this
    assert(life !== null && replica !== null, `node ${this.id} has not recovered`)
    return { life, replica }
  }

  get stopping(): boolean {
    return this.#machine.stopping
  }

  /** Asks the process, if there is one that takes requests. */
  send(message: RaftActorMessage): void {
    this.#machine.server?.raft.send(message)
  }

  start(): void {
    this.poisoned = false
    this.#machine.start()
  }

  /** Between two events everything stops. */
  crash(kind: CrashKind): void {
    this.#machine.crash(kind)
  }

  stop(): void {
    this.#machine.stop()
  }

  /** The replica ends and is opened again, in a process that lives on. */
  restartReplica(opened: () => void): void {
    this.#machine.restartReplica(opened)
  }

  /** The replica meets a fault that the process survives. */
  failReplica(error: Error, effects: number | null): void {
    this.#machine.failReplica(error, effects)
  }

  pause(): void {
    this.#machine.pause()
  }

  /** The disks of a machine that is down are replaced by empty ones: it will come back as a stranger, under a key of its own. */
  loseDisks(): void {
    this.#machine.loseDisks()
    this.#options.checker.forgotten(this.id)
    this.damaged = false
  }

  #failed(error: Error, fault: Fault | null): void {
    if (fault !== null) this.poisoned = true
    this.#options.onFatal(this, error)
  }

  #createLife(number: number): Life {
    const { scheduler, seed, clockDrift, afterEvent } = this.#options
    const random = forkPrng(seed, `clock ${this.id} life ${number}`)
    const drift = chance(random, clockDrift) ? randomBetween(random, -MAX_DRIFT, MAX_DRIFT) : 0
    return new Life(scheduler, `n${this.id}`, () => afterEvent(this), 1 + drift / DRIFT_STEPS)
  }

  #watch(ports: NodePorts, life: Life): NodePorts {
    const { clusterId, onAnswer } = this.#options
    return {
      ...ports,
      transport: watchSends(ports.transport, () => this.#checkSilence('sends')),
      openStores: (language) => this.#watchStores(ports.openStores(language), life),
      drawClusterId: () => clusterId,
      onAnswer: (error) => {
        if (error === undefined) this.#checkSilence('answers')
        onAnswer()
      },
    }
  }

  #checkSilence(what: string): void {
    if (!this.poisoned) return
    this.#options.onViolation('poisoned nodes are silent', `node ${this.id} ${what} although it has failed`)
  }

  #watchStores(bare: RaftStores, life: Life): RaftStores {
    const { sabotage, checker, ballastBytes, afterEvent } = this.#options
    const isHasty = sabotage !== 'none' && sabotage !== 'lie-about-sync'
    const log = isHasty ? new HastyLog(bare.log, sabotage, (run) => life.clock.defer(run)) : bare.log
    const { hardState, purged, entries } = log.recovered
    const identities = entries.map(({ index, term }) => ({ index, term, digest: null }))
    const { awaitsSnapshot } = bare.stateMachine
    // What is not believed is applied again, behind the snapshot that is to come.
    const applied = awaitsSnapshot ? purged.index : bare.stateMachine.info().applied.index
    checker.started(this.id, { ...hardState, purged, entries: identities, applied })
    const weighed = weighedDown(bare.stateMachine, ballastBytes, (entry) => this.misread(entry))
    return {
      ...bare,
      log: watchLog(log, this.id, checker),
      stateMachine: watchState(weighed, this.id, checker, () => afterEvent(this)),
    }
  }
}

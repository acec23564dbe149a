/**
 * One incarnation of a node's replica: the stores it lives on, and the replica itself. Both end together, and the next one begins with what the
 * stores have kept.
 */
import { LANGUAGE, MAX_CLUSTER_VERSION } from '../commands/index.ts'
import type { StateInfo } from '../ports/index.ts'
import { openReplica } from '../replica/index.ts'
import type { Replica, ReplicaOptions, ReplicaView, Reply, VersionStanding } from '../replica/index.ts'
import type { Membership } from '../raft/index.ts'
import { decodeMembership } from '../wire/index.ts'
import type { NodePorts, NodeSettings, RaftStores } from './node-ports.ts'
import { openUnheld } from './open-unheld.ts'
import { SettlingSnapshots } from './settling-snapshots.ts'

/** What can be seen of an incarnation; and of the last one, while there is none. */
export interface RaftFacts {
  readonly view: ReplicaView
  readonly logBytes: number
  readonly state: StateInfo
  readonly snapshotIndex: number
  readonly versions: VersionStanding
}

interface Opened extends RaftStores {
  readonly snapshots: SettlingSnapshots
}

/** What the replica tells the node around it. */
export interface ReplicaEvents extends Pick<
  ReplicaOptions,
  'nodeIdHint' | 'sources' | 'founder' | 'onLinked' | 'onClusterId' | 'onMembership'
> {
  /** A configuration that is still in the log, of a former life: another one may be in force since. */
  readonly onRecalled: (membership: Membership) => void
}

export interface IncarnationOptions {
  readonly ports: NodePorts
  readonly settings: NodeSettings
  readonly events: ReplicaEvents
}

export class Incarnation {
  readonly replica: Replica
  readonly stores: RaftStores
  readonly #snapshots: SettlingSnapshots
  #facts: RaftFacts | null = null

  readonly #faults: Faults

  private constructor(stores: Opened, replica: Replica, faults: Faults) {
    this.replica = replica
    this.stores = stores
    this.#snapshots = stores.snapshots
    this.#faults = faults
  }

  /** Opens the stores, and brings them into agreement. What cannot be used is closed again before `reply` hears of it. */
  static open(options: IncarnationOptions, reply: Reply<Incarnation>): void {
    const { ports, settings } = options
    const { language = LANGUAGE } = settings
    openUnheld(ports, language, (error, opened) => {
      if (opened === undefined) return reply(error ?? new Error('the stores were not opened'))
      Incarnation.#openOn({ ...opened, snapshots: new SettlingSnapshots(opened.snapshots) }, options, reply)
    })
  }

  static #openOn(stores: Opened, options: IncarnationOptions, reply: Reply<Incarnation>): void {
    const { ports, settings, events } = options
    const { language = LANGUAGE } = settings
    try {
      for (const { membership, payload } of stores.log.recovered.memberships) {
        events.onRecalled(membership ?? decodeMembership(payload))
      }
    } catch (error) {
      closeStores(stores, () => reply(error as Error))
      return
    }
    logFindings(ports, stores)
    const {
      nodeId,
      timings,
      retainedEntries,
      checkpointIntervalEntries,
      diskReserveBytes = null,
      limits = {},
      thorough = false,
    } = settings
    const maxClusterVersion = settings.maxClusterVersion ?? MAX_CLUSTER_VERSION
    const { clock, random, transport, logger, metrics } = ports
    const { log, stateMachine, snapshots, volumes } = stores
    const kept = { log, stateMachine, snapshots, volumes, diskReserveBytes, retainedEntries, checkpointIntervalEntries }
    const around = { clock, random, transport, logger, metrics, ...events }
    const faults = new Faults()
    const onFatal = (error: Error): void => faults.tell(error)
    const commands = { language, maxClusterVersion, autoPromote: settings.autoPromote ?? false }
    openReplica({ nodeId, timings, limits, thorough, ...commands, ...kept, ...around, onFatal }, (error, replica) => {
      if (replica !== undefined) reply(undefined, new Incarnation(stores, replica, faults))
      else closeStores(stores, () => reply(error ?? new Error('no replica was made')))
    })
  }

  /** Has `told` hear why the replica says and does nothing any more; once, and also if that is so already. */
  onFault(told: (error: Error) => void): void {
    this.#faults.onFault(told)
  }

  get facts(): RaftFacts {
    return this.#facts ?? this.#look()
  }

  /** Lets go of everything: who still waits hears that the outcome is unknown. `done` hears what a store reports first. */
  close(done: (error?: Error) => void): void {
    this.#facts ??= this.#look()
    this.replica.close()
    this.#snapshots.settle((error) => closeStores(this.stores, (storeError) => done(error ?? storeError)))
  }

  #look(): RaftFacts {
    const { log, stateMachine, snapshots } = this.stores
    return {
      view: this.replica.view,
      versions: this.replica.versions,
      logBytes: log.sizeBytes(),
      state: stateMachine.info(),
      snapshotIndex: snapshots.newest()?.last.index ?? 0,
    }
  }
}

/** An incarnation may fail before there is somebody to hear of it. */
class Faults {
  #error: Error | null = null
  #told: ((error: Error) => void) | null = null

  tell(error: Error): void {
    this.#error = error
    this.#told?.(error)
  }

  onFault(told: (error: Error) => void): void {
    this.#told = told
    if (this.#error !== null) told(this.#error)
  }
}

function logFindings({ logger }: NodePorts, { log, warnings }: RaftStores): void {
  for (const warning of warnings) logger.log('warn', warning)
  const { tornBytes } = log.recovered
  if (tornBytes === 0) return
  logger.log('warn', 'the log ended in a write that a crash had cut short; what was left of it is removed', { bytes: tornBytes })
}

/** Waits for what is under way, and closes log and state. */
export function closeStores({ log, stateMachine }: RaftStores, done: (error?: Error) => void): void {
  log.close((logError) => stateMachine.close((stateError) => done(logError ?? stateError)))
}

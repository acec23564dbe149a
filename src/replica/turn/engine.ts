import type { Applied } from '../../commands/index.ts'
import { assert } from '../../lib/index.ts'
import type { AppliedBatch, Done, StateDigest, StateMachine, StoredSnapshot } from '../../ports/index.ts'
import type { Effects, Entry, HardState, NodeId, RoleChange, SnapshotMeta } from '../../raft/index.ts'
import type { ReplicaLimits } from '../options.ts'
import { Applier } from './applier.ts'
import type { ApplyListener } from './applier.ts'
import { EntryCache } from './entry-cache.ts'
import type { ReplicaStores } from './guarded-stores.ts'
import { LogRetention } from './log-retention.ts'
import type { LogHold, RetentionSettings } from './log-retention.ts'
import { Outbound } from './outbound.ts'
import type { PeerSender } from './outbound.ts'
import { Persister } from './persister.ts'
import type { SnapshotInstaller } from './persister.ts'
import type { Snapshots } from './snapshots.ts'
import type { TurnContext } from './turn-context.ts'

/** Who waits for what the engine does. Told from within a turn, in this node's order of events. */
export interface TurnListener {
  roleChanged(change: RoleChange): void
  /** These entries took effect, each with its result, and the state is at the last of them. */
  applied(entries: readonly Entry[], results: readonly (Applied | null)[]): void
  /** A snapshot has replaced the state: it is that of entry `index`. */
  restored(index: number): void
  /** The reads of `ticket` may be served once `index` is applied. */
  readable(ticket: number, index: number): void
}

/** What the engine needs of the peers. */
export interface PeerSide extends PeerSender, SnapshotInstaller, LogHold {
  /** `to` lacks entries that the log does not have any more. */
  offerSnapshot(to: NodeId): void
  roleChanged(change: RoleChange): void
  /** Entries were applied, and the state had these digests meanwhile. */
  applied(digests: readonly StateDigest[]): void
  /** A snapshot has replaced the state. */
  restored(): void
  /** The snapshot that a state is to begin with that is not believed, and of which the log knows more. */
  readonly refill: StoredSnapshot | null
}

export interface EngineSettings extends RetentionSettings {
  readonly limits: ReplicaLimits
}

/** Carries out what the core asks for: sends, writes, applies; and keeps the log short. It knows nobody who waits. */
export class Engine implements ApplyListener, SnapshotInstaller {
  readonly #context: TurnContext
  readonly #peers: PeerSide
  readonly #cache: EntryCache
  readonly #outbound: Outbound
  readonly #applier: Applier
  readonly #persister: Persister
  readonly #retention: LogRetention
  readonly #stateMachine: StateMachine
  #refilling = false
  #listener: TurnListener | null = null

  constructor(context: TurnContext, settings: EngineSettings, stores: ReplicaStores, snapshots: Snapshots, peers: PeerSide) {
    const { log, stateMachine } = stores
    this.#context = context
    this.#stateMachine = stateMachine
    this.#peers = peers
    this.#cache = new EntryCache(context.raft.lastLog.index, settings.limits.cacheBytes)
    this.#outbound = new Outbound(context, log, this.#cache, peers)
    this.#applier = new Applier(context, stores, this.#cache, this, settings.limits.applyBytes)
    this.#persister = new Persister(context, log, this.#outbound, this, settings.limits.writeBytes)
    const { applier, persister } = { applier: this.#applier, persister: this.#persister }
    this.#retention = new LogRetention(context, settings, { stateMachine, applier, persister, hold: peers })
    snapshots.watch(this.#retention)
  }

  /** Tells `listener` from now on. */
  listen(listener: TurnListener): void {
    this.#listener = listener
  }

  /** The last entry whose effects are in the state machine. */
  get appliedIndex(): number {
    return this.#applier.appliedIndex
  }

  /** When the write in flight began, or null. */
  get busySince(): number | null {
    return this.#persister.busySince
  }

  /** Nothing is being written, or waits to be. */
  get allWritten(): boolean {
    return this.#persister.idle
  }

  get idle(): boolean {
    return this.#persister.idle && this.#applier.idle
  }

  /** Carries out all that the core asks for by now, in its order. What is to be written waits for `write`. */
  carryOut(): void {
    const { raft } = this.#context
    for (let effects = raft.take(); effects !== undefined; effects = raft.take()) this.#carryOut(effects)
    this.#refill()
  }

  /** The state becomes that of a snapshot within the log, which goes on from there. */
  #refill(): void {
    const { refill } = this.#peers
    if (this.#refilling || refill === null || refill.last.index > this.#applier.target) return
    this.#refilling = true
    this.#stateMachine.restore(refill, (error) => {
      this.#refilling = false
      if (error !== undefined) this.#context.loop.fail(error)
      else this.#onRestored(refill.last.index)
    })
  }

  /** Starts the next write of the log, unless one is in flight: all that was asked for meanwhile joins it. */
  write(): void {
    this.#persister.start()
  }

  /** Nothing is applied on a timer any more. */
  close(): void {
    this.#applier.close()
  }

  get #told(): TurnListener {
    assert(this.#listener !== null, 'a turn ran before anybody listened')
    return this.#listener
  }

  #carryOut(effects: Effects): void {
    const { cluster } = this.#context
    const { role, persist, restore, apply } = effects
    if (role !== undefined) this.#onRole(role)
    if (restore !== undefined) {
      this.#applier.halt()
      this.#cache.reset(restore.last.index)
    }
    if (persist?.truncateFrom !== undefined) this.#cache.truncateFrom(persist.truncateFrom)
    for (const entry of persist?.append ?? []) this.#cache.put(entry)
    for (const message of effects.send) this.#outbound.send(message)
    this.#persister.enqueue(effects, persist === undefined && restore === undefined ? undefined : cluster.take())
    if (apply !== undefined) this.#applier.enqueue(apply.first, apply.last)
    for (const { ticket, index } of effects.reads) this.#told.readable(ticket, index)
    for (const to of effects.snapshots) this.#peers.offerSnapshot(to)
  }

  #onRole(change: RoleChange): void {
    this.#context.logger.log('info', 'role changed', { role: change.role, term: change.term, leader: change.leader })
    this.#peers.roleChanged(change)
    this.#told.roleChanged(change)
  }

  /** No turn follows: whoever has something to do because of this asks for one. */
  applied(entries: readonly Entry[], { results, digests }: AppliedBatch): void {
    this.#told.applied(entries, results)
    this.#peers.applied(digests)
    this.#cache.trim(this.appliedIndex, this.#context.raft.reachedByPeers)
    this.#retention.applied(entries.reduce((sum, { payload }) => sum + payload.length, 0))
  }

  install(snapshot: SnapshotMeta, hardState: HardState, done: Done): void {
    this.#peers.install(snapshot, hardState, (error) => {
      if (error === undefined) this.#onRestored(snapshot.last.index)
      done(error)
    })
  }

  #onRestored(index: number): void {
    this.#applier.restored(index)
    this.#told.restored(index)
    this.#peers.restored()
  }
}

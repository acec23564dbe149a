import { MAX_LOG_HELD_ENTRIES } from '../../limits.ts'
import type { StateMachine } from '../../ports/index.ts'
import { REPLICA_LIMITS } from '../options.ts'
import type { ReplicaLimits } from '../options.ts'
import type { Applier } from './applier.ts'
import type { Persister } from './persister.ts'
import type { SnapshotListener } from './snapshots.ts'
import type { TurnContext } from './turn-context.ts'

/** Multiples of it, taken without their whole part, lie far apart from each other. */
const GOLDEN_RATIO = 0.618034

export interface RetentionSettings {
  /** Entries kept behind the applied index when the log is purged. */
  readonly retainedEntries: number
  /** Entries applied between two checkpoints. */
  readonly checkpointIntervalEntries: number
  readonly limits?: Pick<ReplicaLimits, 'checkpointBytes' | 'retainedBytes' | 'heldBytes' | 'stateHeldBytes'>
}

/** Who keeps entries in the log for others. */
export interface LogHold {
  /** The entries behind it will be needed once a snapshot has arrived; infinite when none are. */
  readonly promisedIndex: number
}

export interface RetentionParts {
  readonly stateMachine: StateMachine
  readonly applier: Pick<Applier, 'appliedIndex'>
  readonly persister: Pick<Persister, 'requestPurge'>
  readonly hold: LogHold
}

type RetentionContext = TurnContext<'fail', 'id' | 'purged' | 'purgedTo' | 'positionBefore' | 'reachedByPeers'>

/**
 * Keeps the log short: now and then the state machine is made durable by a checkpoint, and the log is purged behind that,
 * less what slow followers may still ask for.
 *
 * Nodes apply the same entries at the same time, and a checkpoint keeps the disk busy: each node has turns of its own,
 * so that a quorum goes on undisturbed.
 */
export class LogRetention implements SnapshotListener {
  readonly #context: RetentionContext
  readonly #settings: Required<RetentionSettings>
  readonly #parts: RetentionParts
  readonly #phase: number
  #lastTurn: number
  #bytes = 0
  #checkpointing = false
  /** The last that was said of what others hold. */
  #heldIsLong = false

  constructor(context: RetentionContext, settings: RetentionSettings, parts: RetentionParts) {
    this.#context = context
    this.#settings = { limits: REPLICA_LIMITS, ...settings }
    this.#parts = parts
    this.#phase = Math.floor(((context.raft.id * GOLDEN_RATIO) % 1) * settings.checkpointIntervalEntries)
    this.#lastTurn = this.#turn
  }

  /** Entries with so many bytes of payload were applied. */
  applied(bytes: number): void {
    this.#bytes += bytes
    if (this.#checkpointing || (this.#turn === this.#lastTurn && this.#bytes < this.#settings.limits.checkpointBytes)) return
    this.#checkpoint()
  }

  /** The log is purged behind a snapshot as well. */
  snapshotTaken(): void {
    if (!this.#checkpointing) this.#checkpoint()
  }

  snapshotRefused(): void {}

  get #applied(): number {
    return this.#parts.applier.appliedIndex
  }

  get #turn(): number {
    return Math.floor((this.#applied + this.#phase) / this.#settings.checkpointIntervalEntries)
  }

  #checkpoint(): void {
    this.#checkpointing = true
    this.#lastTurn = this.#turn
    this.#bytes = 0
    this.#parts.stateMachine.checkpoint((error) => {
      this.#checkpointing = false
      if (error !== undefined) return this.#context.loop.fail(error)
      this.#watchHeld(this.#parts.stateMachine.heldBytes?.() ?? 0)
      this.#purgeBehind()
    })
  }

  /** A reader that never ends lets the state's own log grow until the disk is full; nothing else tells of it. */
  #watchHeld(bytes: number): void {
    const { logger, metrics } = this.#context
    if (bytes > 0) metrics.heldCheckpoints.add()
    const isLong = bytes >= this.#settings.limits.stateHeldBytes
    if (isLong === this.#heldIsLong) return
    this.#heldIsLong = isLong
    if (isLong) {
      logger.log(
        'warn',
        "the state's write-ahead log grows, because another process reads the database: end that reader (lsof names it)",
        { bytes },
      )
    } else logger.log('info', "nobody holds the state's write-ahead log any more", { bytes })
  }

  #purgeBehind(): void {
    const { raft } = this.#context
    const { retainedEntries, limits } = this.#settings
    const unneeded = raft.positionBefore(this.#applied, retainedEntries, limits.retainedBytes)
    const index = Math.min(this.#parts.stateMachine.durableIndex(), this.#unheld(unneeded))
    if (index <= raft.purgedTo.index) return
    // Before the store begins: what is being purged can no longer be read.
    raft.purged(index)
    this.#parts.persister.requestPurge(index)
  }

  /** What a peer waits for is kept longer, but not for ever: a peer too slow for that needs another snapshot. */
  #unheld(unneeded: number): number {
    const { raft } = this.#context
    const held = Math.min(this.#parts.hold.promisedIndex, raft.reachedByPeers)
    if (held >= unneeded) return unneeded
    const limit = raft.positionBefore(this.#applied, MAX_LOG_HELD_ENTRIES, this.#settings.limits.heldBytes)
    return Math.min(unneeded, Math.max(held, limit))
  }
}

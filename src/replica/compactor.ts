import { AspenError } from '../api/index.ts'
import {
  CHECKPOINT_INTERVAL_BYTES,
  LOG_RETAINED_BYTES,
  MAX_LOG_HELD_BYTES,
  MAX_LOG_HELD_ENTRIES,
  MAX_SNAPSHOT_REQUESTS,
} from '../limits.ts'
import { StoreRefusal } from '../ports/index.ts'
import type { StateMachine, StoredSnapshot } from '../ports/index.ts'
import type { NodeId } from '../raft/index.ts'
import type { Reply } from './options.ts'

/** Multiples of it, taken without their whole part, lie far apart from each other. */
const GOLDEN_RATIO = 0.618034

export interface CompactorOptions {
  readonly nodeId: NodeId
  readonly stateMachine: StateMachine
  readonly retainedEntries: number
  readonly checkpointIntervalEntries: number
  readonly clusterId: () => string
  readonly applied: () => number
  /** Where the log begins. */
  readonly purgedIndex: () => number
  /** The earliest position behind which at most so many entries, with at most so many bytes, lead up to `index`. */
  readonly positionBefore: (index: number, maxEntries: number, maxBytes: number) => number
  /** The entries behind it are still on their way to somebody, or will be once a snapshot has arrived; infinite when none are. */
  readonly heldIndex: () => number
  /** Asks for a purge of the log; it runs when no other write does. */
  readonly purge: (index: number) => void
  readonly failed: (error: Error) => void
}

/**
 * Keeps the log short: now and then the state machine is made durable, and the log is purged behind that, less
 * what slow followers may still ask for. Snapshots are taken when somebody needs one.
 *
 * Nodes apply the same entries at the same time, and a checkpoint keeps the disk busy: each node has turns of its own,
 * so that a quorum goes on undisturbed.
 */
export class Compactor {
  readonly #options: CompactorOptions
  readonly #phase: number
  #lastTurn: number
  #bytes = 0
  #checkpointing = false
  #snapshotWaiters: Reply<StoredSnapshot>[] = []
  #snapshotQueued: Reply<StoredSnapshot>[] = []
  #taking = false

  constructor(options: CompactorOptions) {
    this.#options = options
    this.#phase = Math.floor(((options.nodeId * GOLDEN_RATIO) % 1) * options.checkpointIntervalEntries)
    this.#lastTurn = this.#turn
  }

  /** Entries with so many bytes of payload were applied. */
  applied(bytes: number): void {
    this.#bytes += bytes
    if (this.#checkpointing || (this.#turn === this.#lastTurn && this.#bytes < CHECKPOINT_INTERVAL_BYTES)) return
    this.#checkpoint()
  }

  get #turn(): number {
    const { applied, checkpointIntervalEntries } = this.#options
    return Math.floor((applied() + this.#phase) / checkpointIntervalEntries)
  }

  #checkpoint(): void {
    this.#checkpointing = true
    this.#lastTurn = this.#turn
    this.#bytes = 0
    this.#options.stateMachine.checkpoint((error) => {
      this.#checkpointing = false
      if (error === undefined) this.#purgeBehind()
      else this.#options.failed(error)
    })
  }

  #purgeBehind(): void {
    const { stateMachine, retainedEntries, applied, purgedIndex, positionBefore } = this.#options
    const unneeded = positionBefore(applied(), retainedEntries, LOG_RETAINED_BYTES)
    const index = Math.min(stateMachine.durableIndex(), this.#unheld(unneeded))
    if (index > purgedIndex()) this.#options.purge(index)
  }

  /** What a peer waits for is kept longer, but not for ever: a peer too slow for that needs another snapshot. */
  #unheld(unneeded: number): number {
    const { applied, positionBefore, heldIndex } = this.#options
    const held = heldIndex()
    if (held >= unneeded) return unneeded
    return Math.min(unneeded, Math.max(held, positionBefore(applied(), MAX_LOG_HELD_ENTRIES, MAX_LOG_HELD_BYTES)))
  }

  /** The node ends: nobody will be told any more. */
  abandon(error: Error): void {
    for (const waiter of [...this.#snapshotWaiters.splice(0), ...this.#snapshotQueued.splice(0)]) waiter(error)
  }

  /** Takes a snapshot at what is applied now, or later; those who ask while one is being taken share the next. */
  takeSnapshot(reply: Reply<StoredSnapshot>): void {
    if (this.#taking) {
      if (this.#snapshotQueued.length >= MAX_SNAPSHOT_REQUESTS) {
        reply(
          new AspenError('OVERLOADED', `${MAX_SNAPSHOT_REQUESTS} requests wait for a snapshot already; try again`, {
            queue: 'snapshots',
          }),
        )
        return
      }
      this.#snapshotQueued.push(reply)
      return
    }
    this.#snapshotWaiters.push(reply)
    this.#taking = true
    this.#options.stateMachine.takeSnapshot(this.#options.clusterId(), (error, snapshot) => {
      this.#taking = false
      const waiters = this.#snapshotWaiters
      this.#snapshotWaiters = []
      for (const waiter of waiters) waiter(error === undefined ? undefined : asAnswer(error), snapshot)
      // A snapshot that could not be made durable says that the disk fails, whatever it is asked to keep.
      if (error !== undefined && !(error instanceof StoreRefusal)) {
        this.#options.failed(error)
        return
      }
      if (!this.#checkpointing && error === undefined) this.#checkpoint()
      const [next, ...rest] = this.#snapshotQueued
      if (next === undefined) return
      this.#snapshotQueued = []
      this.takeSnapshot(next)
      this.#snapshotWaiters.push(...rest)
    })
  }
}

/** Whoever asked may free space; what else a store refuses is not about the request. */
function asAnswer(error: Error): Error {
  return error instanceof StoreRefusal && error.isVolumeFull ? new AspenError('DISK_FULL', error.message) : error
}

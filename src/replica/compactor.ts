import { AspenError } from '../api/index.ts'
import { MAX_SNAPSHOT_REQUESTS } from '../limits.ts'
import type { StateMachine, StoredSnapshot } from '../ports/index.ts'
import type { Reply } from './options.ts'

export interface CompactorOptions {
  readonly stateMachine: StateMachine
  readonly retainedEntries: number
  readonly checkpointIntervalEntries: number
  readonly clusterId: () => string
  readonly applied: () => number
  /** Where the log begins. */
  readonly purgedIndex: () => number
  /** Asks for a purge of the log; it runs when no other write does. */
  readonly purge: (index: number) => void
  readonly failed: (error: Error) => void
}

/**
 * Keeps the log short: now and then the state machine is made durable, and the log is purged behind that, less
 * what slow followers may still ask for. Snapshots are taken when somebody needs one.
 */
export class Compactor {
  readonly #options: CompactorOptions
  #lastCheckpoint: number
  #checkpointing = false
  #snapshotWaiters: Reply<StoredSnapshot>[] = []
  #snapshotQueued: Reply<StoredSnapshot>[] = []
  #taking = false

  constructor(options: CompactorOptions) {
    this.#options = options
    this.#lastCheckpoint = options.applied()
  }

  /** Entries were applied. */
  applied(): void {
    const { applied, checkpointIntervalEntries } = this.#options
    if (this.#checkpointing || applied() - this.#lastCheckpoint < checkpointIntervalEntries) return
    this.#lastCheckpoint = applied()
    this.#checkpoint()
  }

  #checkpoint(): void {
    this.#checkpointing = true
    this.#options.stateMachine.checkpoint((error) => {
      this.#checkpointing = false
      if (error === undefined) this.#purgeBehind()
      else this.#options.failed(error)
    })
  }

  #purgeBehind(): void {
    const { stateMachine, retainedEntries, applied, purgedIndex } = this.#options
    const index = Math.min(stateMachine.durableIndex(), applied() - retainedEntries)
    if (index > purgedIndex()) this.#options.purge(index)
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
      for (const waiter of waiters) waiter(error, snapshot)
      if (!this.#checkpointing && error === undefined) this.#checkpoint()
      const [next, ...rest] = this.#snapshotQueued
      if (next === undefined) return
      this.#snapshotQueued = []
      this.takeSnapshot(next)
      this.#snapshotWaiters.push(...rest)
    })
  }
}

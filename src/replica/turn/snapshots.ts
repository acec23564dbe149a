import { AspenError } from '../../api/index.ts'
import { StoreRefusal } from '../../ports/index.ts'
import type { StateMachine, StoredSnapshot } from '../../ports/index.ts'
import { REPLICA_LIMITS } from '../options.ts'
import type { Reply } from '../options.ts'
import type { TurnContext } from './turn-context.ts'

export interface SnapshotListener {
  /** A snapshot is durable. */
  snapshotTaken(): void
  /** None could be taken of the state as it is. */
  snapshotRefused(): void
}

/** Takes snapshots of the state when somebody needs one, one at a time; those who ask while one is being taken share the next. */
export class Snapshots {
  readonly #context: TurnContext<'fail', never>
  readonly #stateMachine: StateMachine
  readonly #limit: number
  readonly #listeners: SnapshotListener[] = []
  #asking: Reply<StoredSnapshot>[] = []
  #queued: Reply<StoredSnapshot>[] = []
  #taking = false

  /** `limit`: so many may wait for the next one. */
  constructor(context: TurnContext<'fail', never>, stateMachine: StateMachine, limit = REPLICA_LIMITS.snapshotRequests) {
    this.#limit = limit
    this.#context = context
    this.#stateMachine = stateMachine
  }

  /** From now on `listener` is told of every snapshot. */
  watch(listener: SnapshotListener): void {
    this.#listeners.push(listener)
  }

  /** The node ends: nobody will be told any more. */
  abandon(error: Error): void {
    for (const reply of [...this.#asking.splice(0), ...this.#queued.splice(0)]) reply(error)
  }

  /** Takes a snapshot at what is applied now, or later. */
  take(reply: Reply<StoredSnapshot>): void {
    if (this.#taking) {
      this.#queue(reply)
      return
    }
    this.#asking.push(reply)
    this.#taking = true
    this.#stateMachine.takeSnapshot(this.#context.cluster.id ?? '', (error, snapshot) => this.#taken(error, snapshot))
  }

  #queue(reply: Reply<StoredSnapshot>): void {
    if (this.#queued.length < this.#limit) {
      this.#queued.push(reply)
      return
    }
    const message = `${this.#limit} requests wait for a snapshot already; try again`
    reply(new AspenError('OVERLOADED', message, { queue: 'snapshots' }))
  }

  #taken(error: Error | undefined, snapshot: StoredSnapshot | undefined): void {
    this.#taking = false
    const asking = this.#asking
    this.#asking = []
    for (const reply of asking) reply(error === undefined ? undefined : asAnswer(error), snapshot)
    // A snapshot that could not be made durable says that the disk fails, whatever it is asked to keep.
    if (error !== undefined && !(error instanceof StoreRefusal)) {
      this.#context.loop.fail(error)
      return
    }
    for (const listener of this.#listeners) {
      if (error === undefined) listener.snapshotTaken()
      else listener.snapshotRefused()
    }
    const [next, ...rest] = this.#queued
    if (next === undefined) return
    this.#queued = []
    this.take(next)
    this.#asking.push(...rest)
  }
}

/** Whoever asked may free space; what else a store refuses is not about the request, and its words say what it is about. */
function asAnswer(error: Error): Error {
  return error instanceof StoreRefusal ? new AspenError(error.isVolumeFull ? 'DISK_FULL' : 'INTERNAL', error.message) : error
}

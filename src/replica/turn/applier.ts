import { fail } from '../../lib/index.ts'
import { MAX_BATCH_SIZE, STATE_FLUSH_DELAY_MS } from '../../limits.ts'
import { StateBusy } from '../../ports/index.ts'
import type { AppliedBatch, Timer } from '../../ports/index.ts'
import type { Entry } from '../../raft/index.ts'
import { REPLICA_LIMITS } from '../options.ts'
import type { EntryCache } from './entry-cache.ts'
import { BusyState } from './busy-state.ts'
import type { ReplicaStores } from './guarded-stores.ts'
import type { TurnContext } from './turn-context.ts'

export interface ApplyListener {
  /** These entries took effect, and did this. */
  applied(entries: readonly Entry[], batch: AppliedBatch): void
}

type ApplierContext = TurnContext<'guard' | 'defer' | 'fail', never>
type ApplierStores = Pick<ReplicaStores, 'log' | 'stateMachine'>

/**
 * Applies committed entries in order, in batches bounded by count and bytes, one batch a turn. Never in the turn that
 * finds them committed: what that turn writes and sends leaves first, and others wait for that.
 */
export class Applier {
  readonly #context: ApplierContext
  readonly #stores: ApplierStores
  readonly #cache: EntryCache
  readonly #listener: ApplyListener
  readonly #busy: BusyState
  readonly #maxBytes: number
  #next: number
  #target: number
  #running = false
  /** The state waits for a snapshot: what is committed waits for that, in the log. */
  #awaitsSnapshot: boolean
  #flush: Timer | null = null
  /** Counts restores: what was read from the log for a former state is dropped. */
  #epoch = 0

  /** @param listener told of every batch, from within the turn that applied it */
  constructor(
    context: ApplierContext,
    stores: ApplierStores,
    cache: EntryCache,
    listener: ApplyListener,
    maxBytes = REPLICA_LIMITS.applyBytes,
  ) {
    this.#maxBytes = maxBytes
    this.#context = context
    this.#stores = stores
    this.#cache = cache
    this.#listener = listener
    this.#busy = new BusyState(context)
    const { index } = stores.stateMachine.info().applied
    this.#awaitsSnapshot = stores.stateMachine.awaitsSnapshot
    // The snapshot may be of any entry that the log begins with, or of a later one.
    this.#next = (this.#awaitsSnapshot ? stores.log.recovered.purged.index : index) + 1
    this.#target = index
  }

  /** The last entry whose effects are in the state machine. */
  get appliedIndex(): number {
    return this.#next - 1
  }

  /** The last entry that is to be applied, as far as is known. */
  get target(): number {
    return this.#target
  }

  get idle(): boolean {
    return this.#awaitsSnapshot || this.#next > this.#target
  }

  enqueue(first: number, last: number): void {
    if (first !== this.#target + 1) fail(`apply of ${first} does not follow ${this.#target}`)
    this.#target = last
    if (this.#running || this.#awaitsSnapshot) return
    this.#running = true
    this.#runLater()
  }

  /** A snapshot is about to replace the state: what is queued is part of it and is not applied any more. */
  halt(): void {
    this.#epoch++
    this.#running = false
    this.#busy.cancel()
    this.#target = this.#next - 1
  }

  /** The state is now that of a snapshot taken at `index`. */
  restored(index: number): void {
    this.#next = index + 1
    // What was committed behind the snapshot has waited for it; any other snapshot has replaced what was.
    this.#target = this.#awaitsSnapshot ? Math.max(this.#target, index) : index
    this.#awaitsSnapshot = false
    if (this.#running || this.#next > this.#target) return
    this.#running = true
    this.#runLater()
  }

  /** The node stops: whoever closes the state writes what it still holds back, and nobody waits for a timer. */
  close(): void {
    this.#flush?.cancel()
    this.#flush = null
    this.#busy.cancel()
  }

  #run(): void {
    this.#running = this.#next <= this.#target
    if (!this.#running) return
    const cached = this.#cachedBatch()
    if (cached.length > 0) {
      this.#apply(cached)
      return
    }
    const epoch = this.#epoch
    const last = Math.min(this.#target, this.#next + MAX_BATCH_SIZE - 1)
    this.#stores.log.read(this.#next, last, this.#maxBytes, (error, entries) => {
      if (epoch !== this.#epoch) return
      if (error === undefined) this.#apply(entries)
      else this.#context.loop.fail(error)
    })
  }

  #cachedBatch(): Entry[] {
    const batch: Entry[] = []
    let bytes = 0
    for (let index = this.#next; index <= this.#target && batch.length < MAX_BATCH_SIZE && bytes < this.#maxBytes; index++) {
      const entry = this.#cache.get(index)
      if (entry === undefined) break
      batch.push(entry)
      bytes += entry.payload.length
    }
    return batch
  }

  #apply(entries: readonly Entry[]): void {
    const startedAt = this.#context.clock.now()
    const batch = this.#applyNow(entries)
    if (batch === undefined) return
    this.#measure(entries.length, startedAt)
    this.#flushLater()
    this.#next += entries.length
    this.#listener.applied(entries, batch)
    if (this.#next > this.#target) this.#running = false
    else this.#runLater()
  }

  /** Undefined when another process holds the state: these entries are tried again later. The log has them meanwhile. */
  #applyNow(entries: readonly Entry[]): AppliedBatch | undefined {
    try {
      const batch = this.#stores.stateMachine.apply(entries)
      this.#busy.ended()
      return batch
    } catch (error) {
      if (!(error instanceof StateBusy)) throw error
      this.#busy.retry(error, () => this.#run())
      return undefined
    }
  }

  /** When entries come no more, the last of them must not wait for others. */
  #flushLater(): void {
    const { clock, loop } = this.#context
    this.#flush ??= clock.setTimer(STATE_FLUSH_DELAY_MS, () =>
      loop.guard(() => {
        this.#flush = null
        this.#stores.stateMachine.flush()
      }),
    )
  }

  #measure(entries: number, startedAt: number): void {
    const { clock, metrics } = this.#context
    metrics.apply.observe((clock.now() - startedAt) / 1000)
    metrics.applyBatch.observe(entries)
  }

  #runLater(): void {
    const epoch = this.#epoch
    this.#context.loop.defer(() => {
      if (epoch === this.#epoch) this.#run()
    })
  }
}

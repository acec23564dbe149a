import { fail } from '../../lib/index.ts'
import type { Done, LogBatch, LogStore } from '../../ports/index.ts'
import type { Effects, HardState, Message, Persist, SnapshotMeta } from '../../raft/index.ts'
import { REPLICA_LIMITS } from '../options.ts'
import type { Outbound } from './outbound.ts'
import type { TurnContext } from './turn-context.ts'

interface Item {
  readonly id: number
  readonly persist: Persist | undefined
  readonly restore: SnapshotMeta | undefined
  readonly messages: readonly Message[]
  readonly clusterId: string | undefined
  readonly bytes: number
}

export interface SnapshotInstaller {
  /** Brings log and state to a snapshot, durably; the log keeps this term and vote. */
  install(snapshot: SnapshotMeta, hardState: HardState, done: Done): void
}

type PersisterContext = TurnContext<'input' | 'fail', 'term' | 'votedFor' | 'persisted'>

/**
 * Group commit: one sync is in flight, and whatever arrives meanwhile joins the next. Messages that promise
 * something leave when the batches before them are durable, in order.
 */
export class Persister {
  readonly #context: PersisterContext
  readonly #log: LogStore
  readonly #outbound: Pick<Outbound, 'send'>
  readonly #installer: SnapshotInstaller
  readonly #maxBytes: number
  #queue: Item[] = []
  #busySince: number | null = null
  #purgeTo = 0
  /** As of what was written last: those of later batches wait for their turn. */
  #hardState: HardState
  /** The last batch that is durable, and the last that the core was told of. */
  #durable = 0
  #reported = 0
  /** A write, purge or restore failed: nothing more is written or said. */
  #failed = false

  constructor(
    context: PersisterContext,
    log: LogStore,
    outbound: Pick<Outbound, 'send'>,
    installer: SnapshotInstaller,
    maxBytes = REPLICA_LIMITS.writeBytes,
  ) {
    this.#maxBytes = maxBytes
    this.#context = context
    this.#log = log
    this.#outbound = outbound
    this.#installer = installer
    this.#hardState = { term: context.raft.term, votedFor: context.raft.votedFor }
  }

  /** When the sync in flight began, or null. */
  get busySince(): number | null {
    return this.#busySince
  }

  get idle(): boolean {
    return this.#busySince === null && this.#queue.length === 0
  }

  /** Queues what a batch of effects asks for. `clusterId` is written ahead of it, once in the life of a log. */
  enqueue(effects: Effects, clusterId: string | undefined): void {
    const { id, persist, restore, sendOncePersisted } = effects
    const work = persist !== undefined || restore !== undefined || clusterId !== undefined
    if (!work && sendOncePersisted.length === 0) return
    if (!work && this.idle && !this.#failed) {
      for (const message of sendOncePersisted) this.#outbound.send(message)
      return
    }
    const bytes = persist?.append.reduce((sum, entry) => sum + entry.payload.length, 0) ?? 0
    this.#queue.push({ id, persist, restore, messages: sendOncePersisted, clusterId, bytes })
  }

  /** Purges the log up to `index` before the next write. */
  requestPurge(index: number): void {
    this.#purgeTo = Math.max(this.#purgeTo, index)
    this.start()
  }

  /** Starts the next write unless one is in flight. */
  start(): void {
    if (this.#busySince !== null || this.#failed) return
    this.#releaseMessages()
    if (this.#purgeTo > 0) {
      this.#purge()
      return
    }
    const first = this.#queue[0]
    if (first === undefined) return
    if (first.restore === undefined) this.#write(this.#takeGroup())
    else this.#restore(this.#queue.shift() as Item)
  }

  /** Messages with no write of their own before them need not wait for the writes behind them. */
  #releaseMessages(): void {
    const writes = this.#queue.findIndex(isWork)
    for (const item of this.#queue.splice(0, writes < 0 ? this.#queue.length : writes)) this.#say(item)
  }

  #takeGroup(): Item[] {
    let bytes = 0
    let count = 0
    for (const item of this.#queue) {
      bytes += item.bytes
      if (item.restore !== undefined || (count > 0 && bytes > this.#maxBytes)) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  #write(items: readonly Item[]): void {
    const batches: LogBatch[] = []
    for (const { persist, clusterId } of items) {
      if (persist === undefined && clusterId === undefined) continue
      this.#hardState = persist?.hardState ?? this.#hardState
      batches.push({
        entries: persist?.append ?? [],
        ...(clusterId === undefined ? {} : { clusterId }),
        ...(persist?.hardState === undefined ? {} : { hardState: persist.hardState }),
        ...(persist?.truncateFrom === undefined ? {} : { truncateFrom: persist.truncateFrom }),
      })
    }
    const startedAt = this.#context.clock.now()
    this.#busySince = startedAt
    this.#log.write(batches, (error) => {
      this.#busySince = null
      if (error !== undefined) {
        this.#fail(error)
        return
      }
      this.#complete(items)
      this.#measure(batches, startedAt)
    })
  }

  #purge(): void {
    const index = this.#purgeTo
    this.#purgeTo = 0
    this.#busySince = this.#context.clock.now()
    this.#log.purge(index, (error) => {
      this.#busySince = null
      if (error === undefined) this.start()
      else this.#fail(error)
    })
  }

  #restore(item: Item): void {
    // The log that was to be purged is replaced.
    this.#purgeTo = 0
    this.#busySince = this.#context.clock.now()
    this.#hardState = item.persist?.hardState ?? this.#hardState
    this.#installer.install(item.restore as SnapshotMeta, this.#hardState, (error) => {
      this.#busySince = null
      if (error !== undefined) {
        this.#fail(error)
        return
      }
      // What the same batch appends behind the snapshot is written next, before anything of it is promised.
      if (item.persist === undefined) this.#complete([item])
      else this.#write([{ ...item, restore: undefined }])
    })
  }

  #complete(items: readonly Item[]): void {
    const last = items.findLast((item) => item.persist !== undefined || item.restore !== undefined)
    this.#durable = items.at(-1)?.id ?? this.#durable
    for (const item of items) this.#say(item)
    if (last !== undefined) this.#persisted(last.id)
    this.start()
  }

  /** The messages of a batch are promises: nothing of it, and of those before it, is still to be written. */
  #say(item: Item): void {
    if (isWork(item) && item.id > this.#durable) fail(`what batch ${item.id} promises would leave before its write`)
    const next = this.#queue[0]?.id ?? Number.POSITIVE_INFINITY
    if (next <= item.id) fail(`what batch ${item.id} promises would leave before the write of batch ${next}`)
    for (const message of item.messages) this.#outbound.send(message)
  }

  /** Batches up to `id` are durable. */
  #persisted(id: number): void {
    const { loop, raft } = this.#context
    if (id <= this.#reported) fail(`batch ${id} was reported durable after batch ${this.#reported}`)
    this.#reported = id
    loop.input(() => raft.persisted(id))
  }

  #measure(batches: readonly LogBatch[], startedAt: number): void {
    const { clock, metrics } = this.#context
    metrics.sync.observe((clock.now() - startedAt) / 1000)
    metrics.batch.observe(batches.reduce((sum, batch) => sum + batch.entries.length, 0))
  }

  #fail(error: Error): void {
    this.#failed = true
    this.#context.loop.fail(error)
  }
}

/** Whether a batch has something to be written, and not messages alone. */
function isWork({ persist, restore, clusterId }: Pick<Item, 'persist' | 'restore' | 'clusterId'>): boolean {
  return persist !== undefined || restore !== undefined || clusterId !== undefined
}

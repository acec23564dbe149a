import { setVersionOf } from '../../commands/index.ts'
import { assert, fail } from '../../lib/index.ts'
import type { Done, LogBatch, LogStore, RecoveredLog } from '../../ports/index.ts'
import type { Entry, HardState, LogId } from '../../raft/index.ts'
import { DistrustedLogError } from './distrust-mark.ts'
import { assertBatchesFollow } from './log-image.ts'

/** Counted for each entry besides its payload. */
const ENTRY_OVERHEAD_BYTES = 64

/** What one log hands over to the next. */
interface Held {
  readonly clusterId: string | null
  readonly hardState: HardState
  readonly purged: LogId
  readonly entries: Entry[]
}

const NOTHING: Omit<Held, 'entries'> = {
  clusterId: null,
  hardState: { term: 0, votedFor: null },
  purged: { term: 0, index: 0 },
}

/**
 * The log of a node that forgets everything when its process ends. What is written takes effect at once, and is reported through `defer`,
 * which runs what it is given later, in order: a log has nothing under way any more when it has closed.
 */
export class MemoryLog implements LogStore {
  readonly recovered: RecoveredLog
  readonly #defer: (run: () => void) => void
  #clusterId: string | null
  #hardState: HardState
  #purged: LogId
  #entries: Entry[]
  #payloadBytes = 0
  #distrusted: string | null = null
  #busy = false
  #phase: 'open' | 'closing' | 'closed' | 'handed over' = 'open'

  /** `held` is what another log has handed over; nothing when absent. */
  constructor(defer: (run: () => void) => void, held: Held = { ...NOTHING, entries: [] }) {
    this.#defer = defer
    this.recovered = describe(held)
    this.#clusterId = held.clusterId
    this.#hardState = held.hardState
    this.#purged = held.purged
    this.#entries = held.entries
    this.#account(1, held.entries)
  }

  /** Nothing is under way in it, nothing will be, and what it holds is still there. */
  get isClosed(): boolean {
    return this.#phase === 'closed'
  }

  /**
   * Opens again what this log held when it was closed: it holds nothing any more.
   * @throws DistrustedLogError when it was marked; AssertionError unless it has closed, or when it was handed over already
   */
  handOver(): MemoryLog {
    assert(this.#phase === 'closed', `a log in memory is opened again once it is closed: it is ${this.#phase}`)
    if (this.#distrusted !== null) throw new DistrustedLogError('a mark in memory', this.#distrusted)
    this.#phase = 'handed over'
    const held = { clusterId: this.#clusterId, hardState: this.#hardState, purged: this.#purged, entries: this.#entries }
    this.#forgetEntries()
    return new MemoryLog(this.#defer, held)
  }

  write(batches: readonly LogBatch[], done: Done): void {
    if (this.#refuses(done)) return
    const held = { clusterId: this.#clusterId, purgedIndex: this.#purged.index, lastIndex: this.#lastIndex() }
    assertBatchesFollow(held, batches)
    for (const batch of batches) {
      this.#clusterId = batch.clusterId ?? this.#clusterId
      this.#hardState = batch.hardState ?? this.#hardState
      if (batch.truncateFrom !== undefined) this.#account(-1, this.#entries.splice(this.#slot(batch.truncateFrom)))
      for (const entry of batch.entries) this.#entries.push(entry)
      this.#account(1, batch.entries)
    }
    this.#complete(done)
  }

  read(first: number, last: number, maxBytes: number, done: (error: Error | undefined, entries: readonly Entry[]) => void): void {
    if (this.#refuses((error) => done(error, []), true)) return
    const purged = this.#purged.index
    if (!(first <= last && first > purged && last <= this.#lastIndex()))
      fail(`entries ${first} to ${last} cannot be read: held are ${purged + 1} to ${this.#lastIndex()}`)
    const entries: Entry[] = []
    let total = 0
    for (const entry of this.#entries.slice(this.#slot(first), this.#slot(last) + 1)) {
      total += entry.payload.length
      if (entries.length > 0 && total > maxBytes) break
      entries.push(entry)
    }
    this.#defer(() => done(undefined, entries))
  }

  purge(index: number, done: (error: Error | undefined, purged: LogId) => void): void {
    const report: Done = (error) => done(error, this.#purged)
    if (this.#refuses(report)) return
    if (!(index <= this.#lastIndex())) fail(`the log cannot be purged up to ${index}: it ends with ${this.#lastIndex()}`)
    if (index > this.#purged.index) {
      const { term } = this.#entries[this.#slot(index)] as Entry
      this.#account(-1, this.#entries.splice(0, this.#slot(index) + 1))
      this.#purged = { term, index }
    }
    this.#complete(report)
  }

  reset(position: LogId, hardState: HardState, clusterId: string, done: Done): void {
    if (this.#refuses(done)) return
    this.#forgetEntries()
    this.#purged = position
    this.#hardState = hardState
    this.#clusterId = clusterId
    this.#complete(done)
  }

  distrust(reason: string, done: Done): void {
    this.#distrusted = reason
    this.#defer(() => done())
  }

  sizeBytes(): number {
    return this.#payloadBytes + this.#entries.length * ENTRY_OVERHEAD_BYTES
  }

  close(done: Done): void {
    if (this.#phase === 'open') this.#phase = 'closing'
    this.#defer(() => {
      if (this.#phase === 'closing') this.#phase = 'closed'
      done()
    })
  }

  #refuses(done: Done, isRead = false): boolean {
    if (this.#phase !== 'open') {
      this.#defer(() => done(new Error('the log is closed')))
      return true
    }
    assert(isRead || !this.#busy, 'the log has a write, purge or reset under way: one at a time')
    return false
  }

  #complete(done: Done): void {
    this.#busy = true
    this.#defer(() => {
      this.#busy = false
      done()
    })
  }

  /** Not the array: it may be another log's by now. */
  #forgetEntries(): void {
    this.#entries = []
    this.#payloadBytes = 0
  }

  #account(sign: 1 | -1, entries: readonly Entry[]): void {
    for (const entry of entries) this.#payloadBytes += sign * entry.payload.length
  }

  #lastIndex(): number {
    return this.#purged.index + this.#entries.length
  }

  #slot(index: number): number {
    return index - this.#purged.index - 1
  }
}

function describe({ clusterId, hardState, purged, entries }: Held): RecoveredLog {
  const versions = entries.filter(({ kind }) => kind === 'version').map(({ payload }) => setVersionOf(payload))
  return {
    clusterId,
    hardState,
    purged,
    entries: entries.map(({ index, term, kind, payload }) => ({ index, term, kind, size: payload.length })),
    memberships: entries.filter(({ kind }) => kind === 'membership'),
    clusterVersion: Math.max(0, ...versions),
    tornBytes: 0,
  }
}

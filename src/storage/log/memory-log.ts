import { assert, fail } from '../../lib/index.ts'
import type { Done, LogBatch, LogStore, RecoveredLog } from '../../ports/index.ts'
import type { Entry, HardState, LogId } from '../../raft/index.ts'
import { assertBatchesFollow } from './log-image.ts'

/** Counted for each entry besides its payload. */
const ENTRY_OVERHEAD_BYTES = 64

const EMPTY: RecoveredLog = {
  clusterId: null,
  hardState: { term: 0, votedFor: null },
  purged: { term: 0, index: 0 },
  entries: [],
  memberships: [],
  clusterVersion: 0,
  tornBytes: 0,
}

/** The log of a node that forgets everything when it stops. It takes effect at once and reports through `defer`. */
export class MemoryLog implements LogStore {
  readonly recovered: RecoveredLog = EMPTY
  readonly #defer: (run: () => void) => void
  #purged: LogId = EMPTY.purged
  #entries: Entry[] = []
  #payloadBytes = 0
  #clusterId: string | null = null
  #busy = false
  #closed = false

  constructor(defer: (run: () => void) => void) {
    this.#defer = defer
  }

  write(batches: readonly LogBatch[], done: Done): void {
    if (this.#refuses(done)) return
    const held = { clusterId: this.#clusterId, purgedIndex: this.#purged.index, lastIndex: this.#lastIndex() }
    assertBatchesFollow(held, batches)
    for (const batch of batches) {
      this.#clusterId = batch.clusterId ?? this.#clusterId
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

  reset(position: LogId, _hardState: HardState, clusterId: string, done: Done): void {
    if (this.#refuses(done)) return
    this.#entries = []
    this.#payloadBytes = 0
    this.#purged = position
    this.#clusterId = clusterId
    this.#complete(done)
  }

  /** Nobody opens it again. */
  distrust(_reason: string, done: Done): void {
    this.#defer(() => done())
  }

  sizeBytes(): number {
    return this.#payloadBytes + this.#entries.length * ENTRY_OVERHEAD_BYTES
  }

  close(done: Done): void {
    this.#closed = true
    this.#defer(() => done())
  }

  #refuses(done: Done, isRead = false): boolean {
    if (this.#closed) {
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

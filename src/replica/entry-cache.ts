import { Deque } from '../lib/index.ts'
import type { Entry } from '../raft/index.ts'

/**
 * The newest entries of the log with their payloads, for replication and apply. Holds one consecutive run that
 * always ends at the log's end, bounded by bytes; what is older is read from the log store.
 */
export class EntryCache {
  readonly #maxBytes: number
  readonly #entries = new Deque<Entry>()
  #first: number
  #bytes = 0

  /** An empty cache of a log whose last entry is `lastIndex`. */
  constructor(lastIndex: number, maxBytes: number) {
    this.#first = lastIndex + 1
    this.#maxBytes = maxBytes
  }

  /** Entries before this one are not here; all of them are durable. */
  get first(): number {
    return this.#first
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Adds an entry behind the last, in place of what stood there and behind it. */
  put(entry: Entry): void {
    this.truncateFrom(entry.index)
    if (this.#entries.length === 0) this.#first = entry.index
    this.#entries.push(entry)
    this.#bytes += entry.payload.length
  }

  truncateFrom(index: number): void {
    while (this.#entries.length > 0 && this.#first + this.#entries.length > index) {
      this.#bytes -= (this.#entries.pop() as Entry).payload.length
    }
  }

  get(index: number): Entry | undefined {
    return this.#entries.at(index - this.#first)
  }

  /** The entries `first` to `first + count - 1`, or undefined unless all are here. */
  slice(first: number, count: number): Entry[] | undefined {
    if (first < this.#first || first + count > this.#first + this.#entries.length) return undefined
    return Array.from({ length: count }, (_, i) => this.#entries.at(first - this.#first + i) as Entry)
  }

  /** Drops the oldest entries while there are too many bytes, but none after `needed`. */
  trim(needed: number): void {
    while (this.#bytes > this.#maxBytes && this.#entries.length > 0 && this.#first <= needed) {
      this.#bytes -= (this.#entries.shift() as Entry).payload.length
      this.#first++
    }
  }

  reset(lastIndex: number): void {
    this.#entries.clear()
    this.#bytes = 0
    this.#first = lastIndex + 1
  }
}

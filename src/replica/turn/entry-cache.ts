import { Deque } from '../../lib/index.ts'
import type { Entry } from '../../raft/index.ts'

/**
 * Entries that all have, and that stay nevertheless: after a change of leaders the peers are a few behind. Not many, for
 * what outlives two collections of the young generation is moved to the old one, which is dear to collect.
 */
export const KEPT_ENTRIES = 128
/** What an entry takes beside its payload, in bytes: the object, and a view of the buffer that it came in. */
export const ENTRY_OVERHEAD = 256

/**
 * The newest entries of the log with their payloads, for replication and apply. Holds one consecutive run that
 * always ends at the log's end: what is not applied, or not with all peers, bounded by bytes. What is older is read from
 * the log store.
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

  /** Of payloads, and what the entries take beside them. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds an entry behind the last, in place of what stood there and behind it. */
  put(entry: Entry): void {
    this.truncateFrom(entry.index)
    if (this.#entries.length === 0) this.#first = entry.index
    this.#entries.push(entry)
    this.#bytes += costOf(entry)
  }

  truncateFrom(index: number): void {
    while (this.#entries.length > 0 && this.#first + this.#entries.length > index) {
      this.#bytes -= costOf(this.#entries.pop() as Entry)
    }
  }

  get(index: number): Entry | undefined {
    return this.#entries.at(index - this.#first)
  }

  /** The entries `first` to `first + count - 1`, or undefined unless all are here. */
  slice(first: number, count: number): Entry[] | undefined {
    if (first < this.#first || first + count > this.#first + this.#entries.length) return undefined
    return this.#entries.slice(first - this.#first, count)
  }

  /**
   * Drops entries up to `applied` that the peers have `reached`, but for the newest few; and more of those applied, the
   * oldest first, while there are too many bytes.
   */
  trim(applied: number, reached: number): void {
    const spare = Math.min(applied, reached, this.#first + this.#entries.length - 1 - KEPT_ENTRIES)
    while (this.#first <= spare) this.#dropOldest()
    while (this.#bytes > this.#maxBytes && this.#entries.length > 0 && this.#first <= applied) this.#dropOldest()
  }

  reset(lastIndex: number): void {
    this.#entries.clear()
    this.#bytes = 0
    this.#first = lastIndex + 1
  }

  #dropOldest(): void {
    this.#bytes -= costOf(this.#entries.shift() as Entry)
    this.#first++
  }
}

function costOf({ payload }: Entry): number {
  return payload.length + ENTRY_OVERHEAD
}

import { fail, Deque } from '../lib/index.ts'
import type { LogId } from './types.ts'

interface TermRun {
  readonly term: number
  /** The first index of this term; the run ends where the next begins. */
  first: number
}

/**
 * What the core knows of the log: the term and size of every entry held, and the position before the first.
 * Terms never decrease along a log, so they are kept as runs.
 */
export class LogIndex {
  #purged: LogId
  #runs: TermRun[] = []
  readonly #sizes = new Deque<number>()

  constructor(purged: LogId) {
    this.#purged = purged
  }

  /** The position before the first entry held. */
  get purged(): LogId {
    return this.#purged
  }

  get lastIndex(): number {
    return this.#purged.index + this.#sizes.length
  }

  get lastTerm(): number {
    return this.#runs.at(-1)?.term ?? this.#purged.term
  }

  get last(): LogId {
    return { term: this.lastTerm, index: this.lastIndex }
  }

  /** The term at `index`, or undefined outside of what is held (the purged position itself is known). */
  termAt(index: number): number | undefined {
    if (index === this.#purged.index) return this.#purged.term
    if (index < this.#purged.index || index > this.lastIndex) return undefined
    return this.#runs[this.#runOf(index)]?.term
  }

  /** Payload bytes of the entry at `index`, which must be held. */
  sizeAt(index: number): number {
    const size = this.#sizes.at(index - this.#purged.index - 1)
    if (size === undefined) fail(`size of entry ${index}: the log holds ${this.#purged.index + 1} to ${this.lastIndex}`)
    return size
  }

  /** The earliest position behind which at most so many entries, with at most so many bytes, lead up to `index`. */
  positionBefore(index: number, maxEntries: number, maxBytes: number): number {
    const first = Math.max(this.#purged.index, index - maxEntries)
    let position = index
    for (let bytes = 0; position > first; position--) {
      bytes += this.sizeAt(position)
      if (bytes > maxBytes) break
    }
    return position
  }

  /** True when the log has exactly this position. */
  matches(position: LogId): boolean {
    return this.termAt(position.index) === position.term
  }

  append(term: number, size: number): void {
    const last = this.#runs.at(-1)
    if (!(term >= this.lastTerm)) fail(`append of term ${term} after term ${this.lastTerm}`)
    if (last?.term !== term) this.#runs.push({ term, first: this.lastIndex + 1 })
    this.#sizes.push(size)
  }

  /** Removes the entries at `index` and after it. */
  truncateFrom(index: number): void {
    if (!(index > this.#purged.index)) fail(`truncation at ${index} reaches behind the purged index ${this.#purged.index}`)
    while (this.lastIndex >= index) this.#sizes.pop()
    while ((this.#runs.at(-1)?.first ?? 0) >= index) this.#runs.pop()
  }

  /** Forgets the entries up to and including `index`. */
  purge(index: number): void {
    if (index <= this.#purged.index) return
    const term = this.termAt(index)
    if (term === undefined) fail(`purge to ${index}: the log ends at ${this.lastIndex}`)
    for (let i = this.#purged.index; i < index; i++) this.#sizes.shift()
    this.#purged = { term, index }
    while (this.#runs.length > 1 && (this.#runs[1] as TermRun).first <= index + 1) this.#runs.shift()
    const first = this.#runs[0]
    if (first !== undefined) first.first = index + 1
    if (this.#sizes.length === 0) this.#runs = []
  }

  /** Replaces the whole log by an empty one that begins after `position`. */
  reset(position: LogId): void {
    this.#purged = position
    this.#runs = []
    this.#sizes.clear()
  }

  /**
   * The last position at or before `index` whose term is at most `term`: where a log that has `term` at
   * `index` could at best agree with this one.
   */
  lastAtMost(index: number, term: number): LogId {
    let at = Math.min(index, this.lastIndex)
    while (at > this.#purged.index) {
      const run = this.#runs[this.#runOf(at)] as TermRun
      if (run.term <= term) return { term: run.term, index: at }
      at = run.first - 1
    }
    return this.#purged
  }

  #runOf(index: number): number {
    let low = 0
    let high = this.#runs.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#runs[middle] as TermRun).first <= index) low = middle
      else high = middle - 1
    }
    return low
  }
}

import { AssertionError } from '../../lib/index.ts'
import type { EntryMeta } from '../../ports/index.ts'
import type { EntryKind, LogId } from '../../raft/index.ts'
import { kindNumber, kindOf } from './frame.ts'

const INITIAL_CAPACITY = 1024

/** Where an entry is stored. */
export interface EntryPlace {
  readonly segment: number
  /** Of the record, in the segment's file. */
  readonly position: number
}

/**
 * Term, kind, size and place of every entry held, by index: rings of numbers, because a log holds hundreds of
 * thousands of entries and objects would cost ten times the memory. Appends at the end, drops at both ends.
 */
export class EntryIndex {
  #base: LogId
  #length = 0
  #head = 0
  #mask = INITIAL_CAPACITY - 1
  #terms = new Float64Array(INITIAL_CAPACITY)
  #kinds = new Uint8Array(INITIAL_CAPACITY)
  #sizes = new Uint32Array(INITIAL_CAPACITY)
  #segments = new Uint32Array(INITIAL_CAPACITY)
  #positions = new Uint32Array(INITIAL_CAPACITY)

  /** @param base the position before the first entry */
  constructor(base: LogId) {
    this.#base = base
  }

  /** The position before the first entry held. */
  get base(): LogId {
    return this.#base
  }

  get lastIndex(): number {
    return this.#base.index + this.#length
  }

  /** The position of the last entry held, or the base when there is none. */
  get last(): LogId {
    return this.logIdOf(this.lastIndex)
  }

  holds(index: number): boolean {
    return index > this.#base.index && index <= this.lastIndex
  }

  /** The position of a held entry, or the base. */
  logIdOf(index: number): LogId {
    if (index === this.#base.index) return this.#base
    return { index, term: this.#terms[this.#slot(index)] as number }
  }

  term(index: number): number {
    return this.#terms[this.#slot(index)] as number
  }

  kind(index: number): EntryKind {
    return kindOf(this.#kinds[this.#slot(index)] as number)
  }

  /** Bytes of payload. */
  size(index: number): number {
    return this.#sizes[this.#slot(index)] as number
  }

  segment(index: number): number {
    return this.#segments[this.#slot(index)] as number
  }

  position(index: number): number {
    return this.#positions[this.#slot(index)] as number
  }

  append(entry: EntryMeta, place: EntryPlace): void {
    if (entry.index !== this.lastIndex + 1)
      throw new AssertionError(`entry ${entry.index} does not follow entry ${this.lastIndex}`)
    if (this.#length > this.#mask) this.#grow()
    this.#length++
    const slot = this.#slot(entry.index)
    this.#terms[slot] = entry.term
    this.#kinds[slot] = kindNumber(entry.kind)
    this.#sizes[slot] = entry.size
    this.#segments[slot] = place.segment
    this.#positions[slot] = place.position
  }

  /** Drops every entry after `index`. */
  truncateAfter(index: number): void {
    if (index < this.#base.index || index > this.lastIndex) {
      throw new AssertionError(`cannot keep entries up to ${index}: held are ${this.#range()}`)
    }
    this.#length = index - this.#base.index
  }

  /** Drops every entry up to `index`. */
  dropThrough(index: number): void {
    const base = this.logIdOf(index)
    this.#length = this.lastIndex - index
    this.#head = (this.#head + index - this.#base.index) & this.#mask
    this.#base = base
  }

  /** Drops everything; the next entry follows `base`. */
  clear(base: LogId): void {
    this.#base = base
    this.#length = 0
  }

  #slot(index: number): number {
    if (!this.holds(index)) throw new AssertionError(`entry ${index} is not in the log: held are ${this.#range()}`)
    return (this.#head + index - this.#base.index - 1) & this.#mask
  }

  #range(): string {
    return `entries ${this.#base.index + 1} to ${this.lastIndex}`
  }

  #grow(): void {
    const capacity = (this.#mask + 1) * 2
    this.#terms = unrolled(this.#terms, new Float64Array(capacity), this.#head)
    this.#kinds = unrolled(this.#kinds, new Uint8Array(capacity), this.#head)
    this.#sizes = unrolled(this.#sizes, new Uint32Array(capacity), this.#head)
    this.#segments = unrolled(this.#segments, new Uint32Array(capacity), this.#head)
    this.#positions = unrolled(this.#positions, new Uint32Array(capacity), this.#head)
    this.#head = 0
    this.#mask = capacity - 1
  }
}

/** Copies a full ring whose first item is at `head` to the beginning of a larger one. */
function unrolled<T extends Float64Array | Uint32Array | Uint8Array>(ring: T, larger: T, head: number): T {
  larger.set(ring.subarray(head))
  larger.set(ring.subarray(0, head), ring.length - head)
  return larger
}

/** Keys in order, in blocks: finding is O(log n), inserting and removing move at most one block's worth of references. */
import { assert } from '../../lib/index.ts'

const MAX_BLOCK_LENGTH = 512

/** A sorted set of strings, compared by code unit: byte order for strings of one byte a unit (latin1). */
export class SortedKeys {
  /** No block is empty; every key of a block is below every key of the next. */
  #blocks: string[][] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Adds a key that is not in the set. */
  insert(key: string): void {
    this.#size++
    const last = this.#blocks.length - 1
    if (last < 0) {
      this.#blocks.push([key])
      return
    }
    const at = Math.min(this.#blockOf(key), last)
    const block = this.#blocks[at] as string[]
    const position = lowerBound(block, key)
    assert(block[position] !== key, 'a key is inserted once')
    block.splice(position, 0, key)
    if (block.length > MAX_BLOCK_LENGTH) this.#split(at, position)
  }

  /** Removes a key that is in the set. */
  remove(key: string): void {
    const at = this.#blockOf(key)
    const block = this.#blocks[at] ?? []
    const position = lowerBound(block, key)
    assert(block[position] === key, 'a removed key was in the set')
    block.splice(position, 1)
    if (block.length === 0) this.#blocks.splice(at, 1)
    this.#size--
  }

  /** The keys from `start` (inclusive) on. The set must not change meanwhile. */
  *from(start: string): Generator<string, void> {
    let at = this.#blockOf(start)
    let position = lowerBound(this.#blocks[at] ?? [], start)
    for (; at < this.#blocks.length; at++, position = 0) {
      const block = this.#blocks[at] as string[]
      for (; position < block.length; position++) yield block[position] as string
    }
  }

  /** The first block whose last key is not below `key`; the number of blocks when there is none. */
  #blockOf(key: string): number {
    let low = 0
    let high = this.#blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const block = this.#blocks[middle] as string[]
      if ((block[block.length - 1] as string) < key) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Keys that arrive in order would leave half-full blocks behind: then the split leaves a full one. */
  #split(at: number, position: number): void {
    const block = this.#blocks[at] as string[]
    const appended = position === block.length - 1
    const tail = block.splice(appended ? position : block.length >>> 1)
    this.#blocks.splice(at + 1, 0, tail)
  }
}

/** The position of the first element that is not below `key`. */
function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}

/** Rows as commands change them. With every change the sum of the hashes of all rows follows, and is never computed anew. */
import type { ScanRange } from '../api/index.ts'
import type { OrderedStore, Row, RowHead, Rows, RowStore, Space } from './ordered-store.ts'
import { addHash, rowHash, subtractHash } from './row-hash.ts'

export class DigestedStore implements RowStore {
  readonly #store: OrderedStore
  #sum: number

  /** `sum` is that of the rows that are there. */
  constructor(store: OrderedStore, sum: number) {
    this.#store = store
    this.#sum = sum
  }

  /** Of the hashes of all rows that were written through this. */
  get sum(): number {
    return this.#sum
  }

  /** The rows were found to have the sum `found` when `kept` was kept of them. What was changed since has changed both alike. */
  correct(kept: number, found: number): void {
    this.#sum = addHash(subtractHash(this.#sum, kept), found)
  }

  head(space: Space, key: Uint8Array): RowHead | undefined {
    return this.#store.head(space, key)
  }

  get(space: Space, key: Uint8Array): Row | undefined {
    return this.#store.get(space, key)
  }

  put(space: Space, row: Row): void {
    const hash = rowHash(space, row)
    this.#sum = addHash(subtractHash(this.#sum, this.#store.put(space, row, hash)), hash)
  }

  delete(space: Space, key: Uint8Array): boolean {
    const hash = this.#store.delete(space, key)
    if (hash === undefined) return false
    this.#sum = subtractHash(this.#sum, hash)
    return true
  }

  range(space: Space, range: ScanRange, limit: number, maxBytes: number): Rows {
    return this.#store.range(space, range, limit, maxBytes)
  }
}

/** All rows of a state counted anew, one after the other: do they still make the sum that is kept beside them? */
import type { Row, Space } from './ordered-store.ts'
import { addHash, rowHash } from './row-hash.ts'
import { decodeMeta, isMetaRow } from './state-meta.ts'

export class RowsAudit {
  #sum = 0
  #kept: number | undefined

  /** Takes the next row, in any order, and returns its hash. @throws WireError when the row of the facts is malformed */
  add(space: Space, row: Row): number {
    const hash = rowHash(space, row)
    if (isMetaRow(space, row)) this.#kept = decodeMeta(row.value).rowsSum
    else this.#sum = addHash(this.#sum, hash)
    return hash
  }

  /** Of the rows that were taken. */
  get found(): number {
    return this.#sum
  }

  /** What was kept of them while they were written; the same when nothing says. */
  get kept(): number {
    return this.#kept ?? this.#sum
  }

  /** What is wrong, in words; undefined when the rows are those that are spoken of. A state without facts says nothing of its rows. */
  get problem(): string | undefined {
    if (this.#kept === undefined || this.#kept === this.#sum) return undefined
    return `its rows have the sum ${this.#sum.toString(16)}, and ${this.#kept.toString(16)} was kept while they were written`
  }
}

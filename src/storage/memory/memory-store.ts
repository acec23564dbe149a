/** Rows in memory: for each space a map for look-ups and a sorted set for ranges. */
import type { ScanRange } from '../../api/index.ts'
import { SPACE_IDS, SPACES, takePage } from '../../commands/index.ts'
import type { OrderedStore, Row, RowHead, Rows, Space } from '../../commands/index.ts'
import type { Totals } from '../state/index.ts'
import { SortedKeys } from './sorted-keys.ts'

/** One code unit a byte, so that the order of strings is the order of bytes. */
function toText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}

function copyOf(row: Row): Row {
  return { ...row, key: new Uint8Array(row.key), value: new Uint8Array(row.value) }
}

interface KeptRow {
  readonly row: Row
  readonly hash: number
}

/** Rows never change, they are replaced: a list of references is a consistent cut. */
class MemorySpace {
  readonly #rows = new Map<string, KeptRow>()
  readonly #order = new SortedKeys()
  bytes = 0

  get size(): number {
    return this.#rows.size
  }

  find(key: Uint8Array): Row | undefined {
    return this.#rows.get(toText(key))?.row
  }

  put(row: Row, hash: number): number {
    const text = toText(row.key)
    const before = this.#rows.get(text)
    if (before === undefined) {
      this.#order.insert(text)
      this.bytes += row.key.length
    }
    this.bytes += row.value.length - (before?.row.value.length ?? 0)
    this.#rows.set(text, { row, hash })
    return before?.hash ?? 0
  }

  delete(key: Uint8Array): number | undefined {
    const text = toText(key)
    const kept = this.#rows.get(text)
    if (kept === undefined) return undefined
    this.#rows.delete(text)
    this.#order.remove(text)
    this.bytes -= kept.row.key.length + kept.row.value.length
    return kept.hash
  }

  *range({ start, end }: ScanRange): Generator<Row, void> {
    const stop = end === null ? undefined : toText(end)
    for (const text of this.#order.from(toText(start))) {
      if (stop !== undefined && text >= stop) return
      yield (this.#rows.get(text) as KeptRow).row
    }
  }
}

export class MemoryStore implements OrderedStore {
  readonly #spaces: readonly MemorySpace[] = SPACE_IDS.map(() => new MemorySpace())

  head(space: Space, key: Uint8Array): RowHead | undefined {
    const row = this.#space(space).find(key)
    if (row === undefined) return undefined
    const { createRevision, modRevision, version, value } = row
    return { createRevision, modRevision, version, size: value.length }
  }

  get(space: Space, key: Uint8Array): Row | undefined {
    const row = this.#space(space).find(key)
    return row && copyOf(row)
  }

  /** Copies: what is given may be a view of a whole message, which must not be kept alive by one row. */
  put(space: Space, row: Row, hash: number): number {
    return this.#space(space).put(copyOf(row), hash)
  }

  delete(space: Space, key: Uint8Array): number | undefined {
    return this.#space(space).delete(key)
  }

  range(space: Space, range: ScanRange, limit: number, maxBytes: number): Rows {
    const page = takePage(this.#space(space).range(range), limit, maxBytes)
    return { ...page, rows: page.rows.map(copyOf) }
  }

  /** Every row of a space, in order and not copied: whoever is given one must not change it. */
  rows(space: Space): readonly Row[] {
    return [...this.#space(space).range({ start: new Uint8Array(0), end: null })]
  }

  get user(): Totals {
    const { size, bytes } = this.#space(SPACES.user)
    return { rows: size, bytes }
  }

  /** Of all spaces of the system. */
  get system(): Totals {
    let [rows, bytes] = [0, 0]
    for (const space of SPACE_IDS) {
      if (space === SPACES.user) continue
      rows += this.#space(space).size
      bytes += this.#space(space).bytes
    }
    return { rows, bytes }
  }

  #space(space: Space): MemorySpace {
    return this.#spaces[space] as MemorySpace
  }
}

/** The keys in memory: a map for lookups and a sorted set for scans. */
import type { KeyValue, ScanRange } from '../../api/index.ts'
import type { KeyTable } from './apply-command.ts'
import { SortedKeys } from './sorted-keys.ts'

/** One code unit a byte, so that the order of strings is the order of bytes. */
function toText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}

export class MemoryKeyTable implements KeyTable {
  readonly #rows = new Map<string, KeyValue>()
  readonly #order = new SortedKeys()
  #bytes = 0

  get size(): number {
    return this.#rows.size
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#bytes
  }

  get(key: Uint8Array): KeyValue | undefined {
    return this.#rows.get(toText(key))
  }

  set(key: Uint8Array, value: Uint8Array, revision: number): void {
    const before = this.#rows.get(toText(key))
    // Copies: what is given may be a view of a whole message, which must not be kept alive by one key.
    this.put({
      key: before?.key ?? new Uint8Array(key),
      value: new Uint8Array(value),
      createRevision: before?.createRevision ?? revision,
      modRevision: revision,
      version: (before?.version ?? 0) + 1,
    })
  }

  /** Stores a row as it is, replacing the one of the same key. */
  put(row: KeyValue): void {
    const text = toText(row.key)
    const before = this.#rows.get(text)
    if (before === undefined) {
      this.#order.insert(text)
      this.#bytes += row.key.length
    }
    this.#bytes += row.value.length - (before?.value.length ?? 0)
    this.#rows.set(text, row)
  }

  delete(key: Uint8Array): boolean {
    const text = toText(key)
    const row = this.#rows.get(text)
    if (row === undefined) return false
    this.#rows.delete(text)
    this.#order.remove(text)
    this.#bytes -= row.key.length + row.value.length
    return true
  }

  /** Rows in byte order of their keys. The table must not change meanwhile. */
  *range({ start, end }: ScanRange): Generator<KeyValue, void> {
    const stop = end === null ? undefined : toText(end)
    for (const text of this.#order.from(toText(start))) {
      if (stop !== undefined && text >= stop) return
      yield this.#rows.get(text) as KeyValue
    }
  }
}

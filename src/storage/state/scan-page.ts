import type { KeyValue } from '../../api/index.ts'
import { assert } from '../../lib/index.ts'

/** One page of a scan; `more` says that at least one row of the range was left out. */
export interface Rows {
  readonly rows: readonly KeyValue[]
  readonly more: boolean
}

/** Takes rows until one more would pass `limit`, or `maxBytes` of keys and values; the first is taken whatever its size. */
export function takePage(ordered: Iterable<KeyValue>, limit: number, maxBytes: number): Rows {
  assert(limit >= 1, `a scan asks for ${limit} rows: it must ask for at least one`)
  const rows: KeyValue[] = []
  let bytes = 0
  for (const row of ordered) {
    bytes += row.key.length + row.value.length
    if (rows.length > 0 && (rows.length >= limit || bytes > maxBytes)) return { rows, more: true }
    rows.push(row)
  }
  return { rows, more: false }
}

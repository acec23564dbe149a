/**
 * What the replicated state is kept in: rows in the order of their keys, in named spaces. An engine (SQLite, memory)
 * stores and finds; what rows mean is this layer's business alone.
 */
import type { KeyValue, ScanRange } from '../api/index.ts'
import { fail } from '../lib/index.ts'

/**
 * Spaces by name, with the number that stands for them in snapshots; a number is never used twice. `user` is what
 * key-value faces see, and the only one whose rows have revisions; no face can name the others, which belong to the system.
 */
export const SPACES = { user: 0, meta: 1, sessions: 2, origin: 3 } as const

export type Space = (typeof SPACES)[keyof typeof SPACES]

export const SPACE_IDS: readonly Space[] = Object.values(SPACES)

/** What stands beside a value, and its size: enough for most decisions, and cheaper than the value. */
export interface RowHead {
  readonly createRevision: number
  readonly modRevision: number
  readonly version: number
  /** Bytes of the value. */
  readonly size: number
}

/** A row as it is stored; the three numbers are 0 in the spaces of the system. */
export type Row = KeyValue

/** One page of a range; `more` says that at least one row of the range was left out. */
export interface Rows {
  readonly rows: readonly Row[]
  readonly more: boolean
}

export interface RowReader {
  head(space: Space, key: Uint8Array): RowHead | undefined
  get(space: Space, key: Uint8Array): Row | undefined
  /** Rows in byte order of their keys: at most `limit` and, past the first, at most `maxBytes` of keys and values. */
  range(space: Space, range: ScanRange, limit: number, maxBytes: number): Rows
}

/** What the parts of the state write through. */
export interface RowStore extends RowReader {
  /** Stores a row, in place of the one with its key if there is one. */
  put(space: Space, row: Row): void
  /** Removes a row; false when there is none. */
  delete(space: Space, key: Uint8Array): boolean
}

/**
 * What an engine is. All calls between two commits are one transaction, and see each other. Bytes that are returned are the
 * caller's; bytes that are given are copied, or written, before the call returns.
 *
 * A row is kept with its hash, which the engine does not make: whoever replaces or removes the row is told it.
 */
export interface OrderedStore extends RowReader {
  /** Returns the hash of the row that it replaces, 0 when there is none. */
  put(space: Space, row: Row, hash: number): number
  /** Returns the hash of the row that it removes, undefined when there is none. */
  delete(space: Space, key: Uint8Array): number | undefined
}

/** Takes rows until one more would pass `limit`, or `maxBytes` of keys and values; the first is taken whatever its size. */
export function takePage(ordered: Iterable<Row>, limit: number, maxBytes: number): Rows {
  if (!(limit >= 1)) fail(`a scan asks for ${limit} rows: it must ask for at least one`)
  const rows: Row[] = []
  let bytes = 0
  for (const row of ordered) {
    bytes += row.key.length + row.value.length
    if (rows.length > 0 && (rows.length >= limit || bytes > maxBytes)) return { rows, more: true }
    rows.push(row)
  }
  return { rows, more: false }
}

/** A row of a space of the system. */
export function systemRow(key: Uint8Array, value: Uint8Array): Row {
  return { key, value, createRevision: 0, modRevision: 0, version: 0 }
}

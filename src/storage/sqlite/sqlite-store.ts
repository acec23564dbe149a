/** Rows in SQLite, through prepared statements of one connection. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ScanRange } from '../../api/index.ts'
import { SPACES, takePage } from '../../commands/index.ts'
import type { OrderedStore, Row, RowHead, Rows, Space } from '../../commands/index.ts'
import type { Totals } from '../state/index.ts'
import { headChecksum, isSoundRow, RowDamage } from './row-checksum.ts'

const ROW_COLUMNS = 'key, value, create_revision, mod_revision, version, hash, checksum'

type RowColumns = readonly [Uint8Array, Uint8Array, number, number, number, hash: number, checksum: number, id: number]

/** Of one row whose key is known. */
type ValueColumns = readonly [Uint8Array, number, number, number, hash: number, checksum: number]

type FoundColumns = readonly [
  id: number,
  version: number,
  valueSize: number,
  create: number,
  mod: number,
  hash: number,
  checksum: number,
]

/** The row that was looked for last: most rows are looked at before they are written. */
interface Found {
  readonly space: Space
  readonly key: Uint8Array
  readonly id: number
  readonly size: number
  readonly hash: number
}

/** Rows as arrays: half the cost of objects. */
function prepareArrays(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql)
  statement.setReturnArrays(true)
  return statement
}

/** @throws RowDamage when the row is not as it was written */
function toRow(space: Space, [key, value, createRevision, modRevision, version, hash, checksum, id]: RowColumns): Row {
  const row = { key, value, createRevision, modRevision, version }
  if (!isSoundRow(space, row, hash, checksum)) throw new RowDamage(`row ${id}`)
  return row
}

export class SqliteStore implements OrderedStore {
  readonly #find: StatementSync
  readonly #get: StatementSync
  readonly #insert: StatementSync
  readonly #update: StatementSync
  readonly #delete: StatementSync
  readonly #scanOn: StatementSync
  readonly #scanTo: StatementSync
  #found: Found | undefined
  #user: Totals
  #system: Totals

  /** The totals are those of the rows that are there. */
  constructor(database: DatabaseSync, user: Totals, system: Totals) {
    this.#user = user
    this.#system = system
    const from = 'FROM entries WHERE space = ?'
    this.#find = prepareArrays(
      database,
      `SELECT id, version, length(value), create_revision, mod_revision, hash, checksum ${from} AND key = ?`,
    )
    this.#get = prepareArrays(
      database,
      `SELECT value, create_revision, mod_revision, version, hash, checksum ${from} AND key = ?`,
    )
    this.#insert = database.prepare(`INSERT INTO entries (space, ${ROW_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
    this.#update = database.prepare(
      'UPDATE entries SET value = ?, create_revision = ?, mod_revision = ?, version = ?, hash = ?, checksum = ? WHERE id = ?',
    )
    this.#delete = database.prepare('DELETE FROM entries WHERE id = ?')
    this.#scanOn = prepareArrays(database, `SELECT ${ROW_COLUMNS}, id ${from} AND key >= ? ORDER BY key`)
    this.#scanTo = prepareArrays(database, `SELECT ${ROW_COLUMNS}, id ${from} AND key >= ? AND key < ? ORDER BY key`)
  }

  get user(): Totals {
    return this.#user
  }

  /** Of all spaces of the system. */
  get system(): Totals {
    return this.#system
  }

  /** @throws RowDamage when the row is not as it was written, its value aside */
  head(space: Space, key: Uint8Array): RowHead | undefined {
    const found = this.#find.get(space, key) as unknown as FoundColumns | undefined
    if (found === undefined) {
      this.#found = undefined
      return undefined
    }
    const [id, version, size, createRevision, modRevision, hash, checksum] = found
    const head = { createRevision, modRevision, version, size }
    // What is written next is counted from it, under a checksum that is right.
    if (headChecksum(space, key, head, size, hash) !== checksum) throw new RowDamage(`row ${id}`)
    this.#found = { space, key, id, size, hash }
    return head
  }

  get(space: Space, key: Uint8Array): Row | undefined {
    const found = this.#get.get(space, key) as unknown as ValueColumns | undefined
    if (found === undefined) return undefined
    const [value, createRevision, modRevision, version, hash, checksum] = found
    const row = { key, value, createRevision, modRevision, version }
    if (!isSoundRow(space, row, hash, checksum)) throw new RowDamage(`row ${this.#idOf(space, key)}`)
    return row
  }

  #idOf(space: Space, key: Uint8Array): number | undefined {
    const found = this.#find.get(space, key) as unknown as FoundColumns | undefined
    return found?.[0]
  }

  put(space: Space, row: Row, hash: number): number {
    const found = this.#lookUp(space, row.key)
    this.#found = undefined
    if (found === undefined) {
      this.insert(space, row, hash)
      return 0
    }
    const { value, createRevision, modRevision, version } = row
    this.#update.run(
      value,
      createRevision,
      modRevision,
      version,
      hash,
      headChecksum(space, row.key, row, value.length, hash),
      found.id,
    )
    this.#count(space, 0, value.length - found.size)
    return found.hash
  }

  /** Adds a row for a key that does not exist. */
  insert(space: Space, row: Row, hash: number): void {
    const { key, value, createRevision, modRevision, version } = row
    this.#insert.run(
      space,
      key,
      value,
      createRevision,
      modRevision,
      version,
      hash,
      headChecksum(space, key, row, value.length, hash),
    )
    this.#count(space, 1, key.length + value.length)
  }

  delete(space: Space, key: Uint8Array): number | undefined {
    const found = this.#lookUp(space, key)
    this.#found = undefined
    if (found === undefined) return undefined
    this.#delete.run(found.id)
    this.#count(space, -1, -key.length - found.size)
    return found.hash
  }

  range(space: Space, range: ScanRange, limit: number, maxBytes: number): Rows {
    return takePage(this.rows(space, range), limit, maxBytes)
  }

  /** Rows in byte order of their keys; nothing may be written before the last is taken or the loop left. */
  *rows(space: Space, { start, end }: ScanRange = { start: new Uint8Array(0), end: null }): Generator<Row, void> {
    const rows = end === null ? this.#scanOn.iterate(space, start) : this.#scanTo.iterate(space, start, end)
    for (const row of rows) yield toRow(space, row as unknown as RowColumns)
  }

  /** The same, whatever their checksums say, for whoever counts what is there. */
  *uncheckedRows(space: Space): Generator<Row, void> {
    for (const row of this.#scanOn.iterate(space, new Uint8Array(0))) {
      const [key, value, createRevision, modRevision, version] = row as unknown as RowColumns
      yield { key, value, createRevision, modRevision, version }
    }
  }

  /** Without asking again for what was looked for just now. */
  #lookUp(space: Space, key: Uint8Array): Found | undefined {
    const found = this.#found
    if (found !== undefined && found.key === key && found.space === space) return found
    return this.head(space, key) === undefined ? undefined : this.#found
  }

  #count(space: Space, rows: number, bytes: number): void {
    const before = space === SPACES.user ? this.#user : this.#system
    const after = { rows: before.rows + rows, bytes: before.bytes + bytes }
    if (space === SPACES.user) this.#user = after
    else this.#system = after
  }
}

/** The keys and sessions in SQLite, through prepared statements of one connection. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { KeyValue, ScanRange } from '../../api/index.ts'
import type { KeyTable } from './apply-command.ts'
import type { ClientSession, SessionTable } from './client-sessions.ts'
import { RowDamage, rowChecksum, sessionChecksum } from './row-checksum.ts'

const ROW_COLUMNS = 'key, value, create_revision, mod_revision, version, checksum'

type RowColumns = readonly [Uint8Array, Uint8Array, number, number, number, checksum: number, id: number]

type FoundColumns = readonly [id: number, version: number, valueSize: number, createRevision: number]

/** Rows as arrays: half the cost of objects. */
function prepareArrays(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql)
  statement.setReturnArrays(true)
  return statement
}

/** @throws RowDamage when the row is not as it was written */
function toKeyValue([key, value, createRevision, modRevision, version, checksum, id]: RowColumns): KeyValue {
  const row = { key, value, createRevision, modRevision, version }
  if (rowChecksum(row) !== checksum) throw new RowDamage(`row ${id}`)
  return row
}

export class SqliteKeyTable implements KeyTable {
  readonly #find: StatementSync
  readonly #get: StatementSync
  readonly #insert: StatementSync
  readonly #update: StatementSync
  readonly #delete: StatementSync
  readonly #scanOn: StatementSync
  readonly #scanTo: StatementSync
  #size: number
  #bytes: number

  /** `size` and `bytes` are those of the rows that are there. */
  constructor(database: DatabaseSync, size: number, bytes: number) {
    this.#size = size
    this.#bytes = bytes
    this.#find = prepareArrays(database, 'SELECT id, version, length(value), create_revision FROM entries WHERE key = ?')
    this.#get = prepareArrays(database, `SELECT ${ROW_COLUMNS}, id FROM entries WHERE key = ?`)
    this.#insert = database.prepare(`INSERT INTO entries (${ROW_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)`)
    this.#update = database.prepare('UPDATE entries SET value = ?, mod_revision = ?, version = ?, checksum = ? WHERE id = ?')
    this.#delete = database.prepare('DELETE FROM entries WHERE id = ?')
    this.#scanOn = prepareArrays(database, `SELECT ${ROW_COLUMNS}, id FROM entries WHERE key >= ? ORDER BY key`)
    this.#scanTo = prepareArrays(database, `SELECT ${ROW_COLUMNS}, id FROM entries WHERE key >= ? AND key < ? ORDER BY key`)
  }

  get size(): number {
    return this.#size
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#bytes
  }

  get(key: Uint8Array): KeyValue | undefined {
    const row = this.#get.get(key) as unknown as RowColumns | undefined
    return row && toKeyValue(row)
  }

  set(key: Uint8Array, value: Uint8Array, revision: number): void {
    const found = this.#lookUp(key)
    if (found === undefined) return this.insert({ key, value, createRevision: revision, modRevision: revision, version: 1 })
    const [id, version, size, createRevision] = found
    const row = { key, value, createRevision, modRevision: revision, version: version + 1 }
    this.#update.run(value, revision, row.version, rowChecksum(row), id)
    this.#bytes += value.length - size
  }

  /** Adds a row for a key that does not exist. */
  insert(row: KeyValue): void {
    this.#insert.run(row.key, row.value, row.createRevision, row.modRevision, row.version, rowChecksum(row))
    this.#size++
    this.#bytes += row.key.length + row.value.length
  }

  delete(key: Uint8Array): boolean {
    const found = this.#lookUp(key)
    if (found === undefined) return false
    const [id, , size] = found
    this.#delete.run(id)
    this.#size--
    this.#bytes -= key.length + size
    return true
  }

  /** Rows in byte order of their keys; nothing may be written before the last is taken or the loop left. */
  *range({ start, end }: ScanRange): Generator<KeyValue, void> {
    const rows = end === null ? this.#scanOn.iterate(start) : this.#scanTo.iterate(start, end)
    for (const row of rows) yield toKeyValue(row as unknown as RowColumns)
  }

  #lookUp(key: Uint8Array): FoundColumns | undefined {
    return this.#find.get(key) as unknown as FoundColumns | undefined
  }
}

export class SqliteSessionTable implements SessionTable {
  readonly #save: StatementSync
  readonly #remove: StatementSync

  constructor(database: DatabaseSync) {
    this.#save = database.prepare(
      'INSERT OR REPLACE INTO sessions (client, sequence, last_index, result, checksum) VALUES (?, ?, ?, ?, ?)',
    )
    this.#remove = database.prepare('DELETE FROM sessions WHERE client = ?')
  }

  save(session: ClientSession): void {
    this.#save.run(session.client, session.sequence, session.lastIndex, session.result, sessionChecksum(session))
  }

  remove(client: string): void {
    this.#remove.run(client)
  }
}

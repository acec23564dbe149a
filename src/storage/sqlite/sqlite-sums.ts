/** Whether all rows are there that the state counts, each as new as it was written last: by what stands beside them, without their values. */
import type { DatabaseSync } from 'node:sqlite'
import { addHash, loadMeta, SPACES } from '../../commands/index.ts'
import type { OrderedStore } from '../../commands/index.ts'
import type { Totals } from '../state/index.ts'
import { corruptDatabase } from './sqlite-database.ts'

/** Hashes have 52 bits: added in halves, no sum of a store that fits a snapshot leaves the safe integers. */
const HALF = 2 ** 26

interface Sums {
  readonly rows: number
  readonly bytes: number
  readonly userRows: number
  readonly userBytes: number
  readonly low: number
  readonly high: number
}

/** One pass over the table: the index is in another order. The row of the facts has no part in the sum that it keeps. */
const SUMS = `SELECT count(*) AS rows, total(length(key) + length(value)) AS bytes,
  count(*) FILTER (WHERE space = ${SPACES.user}) AS userRows,
  total(length(key) + length(value)) FILTER (WHERE space = ${SPACES.user}) AS userBytes,
  total(hash % ${HALF}) FILTER (WHERE space <> ${SPACES.meta}) AS low,
  total(hash / ${HALF}) FILTER (WHERE space <> ${SPACES.meta}) AS high FROM entries NOT INDEXED`

/**
 * A page whose write was lost, a row that is gone: what is left is sound by itself.
 * @throws StateError CORRUPT
 */
export function checkSums(database: DatabaseSync, file: string, store: OrderedStore, user: Totals, system: Totals): void {
  const { rows, bytes, userRows, userBytes, low, high } = database.prepare(SUMS).get() as unknown as Sums
  checkTotals(file, 'users', { rows: userRows, bytes: userBytes }, user)
  checkTotals(file, 'the system', { rows: rows - userRows, bytes: bytes - userBytes }, system)
  const facts = loadMeta(store)
  const sum = addHash((high % HALF) * HALF, low)
  if (facts === undefined || sum === facts.rowsSum) return
  const told = `${sum.toString(16)}, and ${facts.rowsSum.toString(16)} was kept while they were written`
  throw corruptDatabase(file, `its rows are not those that were written: their hashes have the sum ${told}`)
}

function checkTotals(file: string, whose: string, found: Totals, kept: Totals): void {
  if (found.rows === kept.rows && found.bytes === kept.bytes) return
  const told = `${found.rows} rows of ${whose} with ${found.bytes} bytes, and counted were ${kept.rows} with ${kept.bytes}`
  throw corruptDatabase(file, `it holds ${told}`)
}

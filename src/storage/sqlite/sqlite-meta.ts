/** The one row that tells how far the state is; read and written in the transaction of the rows it speaks of. */
import type { DatabaseSync } from 'node:sqlite'
import { decodeMembership, encodeMembership } from '../../wire/index.ts'
import { membershipChecksum, metaChecksum } from './row-checksum.ts'
import type { StatePosition } from './row-checksum.ts'
import { asError } from '../state/index.ts'
import { corruptDatabase } from './sqlite-database.ts'

/** @throws StateError CORRUPT when the row is missing or malformed */
export function readMeta(database: Pick<DatabaseSync, 'prepare'>, file: string): StatePosition {
  const row = database.prepare('SELECT * FROM meta WHERE id = 1').get()
  if (row === undefined) throw corruptDatabase(file, 'it does not say what was applied')
  const membership = row['membership'] as Uint8Array | null
  const numbers = {
    applied: { term: row['applied_term'] as number, index: row['applied_index'] as number },
    membershipIndex: row['membership_index'] as number,
    keys: row['keys'] as number,
    bytes: row['bytes'] as number,
    systemRows: row['system_rows'] as number,
    systemBytes: row['system_bytes'] as number,
  }
  if (row['checksum'] !== metaChecksum(numbers, membershipChecksum(membership))) {
    throw corruptDatabase(file, 'the checksum of what it says of itself is wrong')
  }
  try {
    return { ...numbers, membership: membership === null ? null : decodeMembership(membership) }
  } catch (error) {
    throw corruptDatabase(file, asError(error).message, asError(error))
  }
}

/** Prepares writing the row; a membership is written only when the new state has another index than the last written. */
export function prepareMetaWriter(database: DatabaseSync, writtenMembershipIndex: number): (position: StatePosition) => void {
  const progress = database.prepare(
    `UPDATE meta SET applied_term = ?, applied_index = ?, keys = ?, bytes = ?, system_rows = ?, system_bytes = ?,
      checksum = ? WHERE id = 1`,
  )
  const change = database.prepare('UPDATE meta SET membership = ?, membership_index = ? WHERE id = 1')
  let membershipIndex = writtenMembershipIndex
  const before = database.prepare('SELECT membership FROM meta WHERE id = 1').get()?.['membership'] as Uint8Array | null
  let checksum = membershipChecksum(before)
  return (position) => {
    const { applied, keys, bytes, systemRows, systemBytes } = position
    if (position.membership !== null && position.membershipIndex !== membershipIndex) {
      const written = encodeMembership(position.membership)
      change.run(written, position.membershipIndex)
      checksum = membershipChecksum(written)
      membershipIndex = position.membershipIndex
    }
    progress.run(applied.term, applied.index, keys, bytes, systemRows, systemBytes, metaChecksum(position, checksum))
  }
}

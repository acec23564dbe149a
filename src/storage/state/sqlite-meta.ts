/** The one row that tells how far the state is; read and written in the transaction of the rows it speaks of. */
import type { DatabaseSync } from 'node:sqlite'
import type { StateInfo } from '../../ports/index.ts'
import { decodeMembership, encodeMembership } from '../../wire/index.ts'
import type { ClientSession } from './client-sessions.ts'
import { membershipChecksum, metaChecksum, RowDamage, sessionChecksum } from './row-checksum.ts'
import { asError } from './state-error.ts'
import { corruptDatabase } from './sqlite-database.ts'

/** @throws StateError CORRUPT when the row is missing or malformed */
export function readMeta(database: DatabaseSync, file: string): StateInfo {
  const row = database.prepare('SELECT * FROM meta WHERE id = 1').get()
  if (row === undefined) throw corruptDatabase(file, 'it does not say what was applied')
  const membership = row['membership'] as Uint8Array | null
  const numbers = {
    applied: { term: row['applied_term'] as number, index: row['applied_index'] as number },
    membershipIndex: row['membership_index'] as number,
    keys: row['keys'] as number,
    bytes: row['bytes'] as number,
  }
  if (row['checksum'] !== metaChecksum(numbers, membershipChecksum(membership))) {
    throw corruptDatabase(file, 'the checksum of what it says of itself is wrong')
  }
  try {
    const { applied, membershipIndex, keys, bytes } = numbers
    return { applied, membership: membership === null ? null : decodeMembership(membership), membershipIndex, keys, bytes }
  } catch (error) {
    throw corruptDatabase(file, asError(error).message, asError(error))
  }
}

/** Prepares writing the row; a membership is written only when the new state has another index than the last written. */
export function prepareMetaWriter(database: DatabaseSync, writtenMembershipIndex: number): (info: StateInfo) => void {
  const progress = database.prepare(
    'UPDATE meta SET applied_term = ?, applied_index = ?, keys = ?, bytes = ?, checksum = ? WHERE id = 1',
  )
  const change = database.prepare('UPDATE meta SET membership = ?, membership_index = ? WHERE id = 1')
  let membershipIndex = writtenMembershipIndex
  const before = database.prepare('SELECT membership FROM meta WHERE id = 1').get()?.['membership'] as Uint8Array | null
  let checksum = membershipChecksum(before)
  return (info) => {
    if (info.membership !== null && info.membershipIndex !== membershipIndex) {
      const written = encodeMembership(info.membership)
      change.run(written, info.membershipIndex)
      checksum = membershipChecksum(written)
      membershipIndex = info.membershipIndex
    }
    progress.run(info.applied.term, info.applied.index, info.keys, info.bytes, metaChecksum(info, checksum))
  }
}

/** In order of last index. */
export function* readSessions(database: DatabaseSync): Generator<ClientSession, void> {
  const statement = database.prepare('SELECT client, sequence, last_index, result, checksum FROM sessions ORDER BY last_index')
  for (const row of statement.iterate()) {
    const session = {
      client: row['client'] as string,
      sequence: row['sequence'] as number,
      lastIndex: row['last_index'] as number,
      result: row['result'] as Uint8Array,
    }
    if (row['checksum'] !== sessionChecksum(session)) throw new RowDamage('a remembered answer')
    yield session
  }
}

/** The one row that tells how far the state is; read and written in the transaction of the rows it speaks of. */
import type { DatabaseSync } from 'node:sqlite'
import type { StateInfo } from '../../ports/index.ts'
import { decodeMembership, encodeMembership } from '../../wire/index.ts'
import type { ClientSession } from './client-sessions.ts'
import { asError } from './state-error.ts'
import { corruptDatabase } from './sqlite-database.ts'

/** @throws StateError CORRUPT when the row is missing or malformed */
export function readMeta(database: DatabaseSync, file: string): StateInfo {
  const row = database.prepare('SELECT * FROM meta WHERE id = 1').get()
  if (row === undefined) throw corruptDatabase(file, 'it does not say what was applied')
  const membership = row['membership'] as Uint8Array | null
  try {
    return {
      applied: { term: row['applied_term'] as number, index: row['applied_index'] as number },
      membership: membership === null ? null : decodeMembership(membership),
      membershipIndex: row['membership_index'] as number,
      keys: row['keys'] as number,
      bytes: row['bytes'] as number,
    }
  } catch (error) {
    throw corruptDatabase(file, asError(error).message, asError(error))
  }
}

/** Prepares writing the row; a membership is written only when the new state has another index than the last written. */
export function prepareMetaWriter(database: DatabaseSync, writtenMembershipIndex: number): (info: StateInfo) => void {
  const progress = database.prepare('UPDATE meta SET applied_term = ?, applied_index = ?, keys = ?, bytes = ? WHERE id = 1')
  const change = database.prepare('UPDATE meta SET membership = ?, membership_index = ? WHERE id = 1')
  let membershipIndex = writtenMembershipIndex
  return (info) => {
    progress.run(info.applied.term, info.applied.index, info.keys, info.bytes)
    if (info.membership === null || info.membershipIndex === membershipIndex) return
    change.run(encodeMembership(info.membership), info.membershipIndex)
    membershipIndex = info.membershipIndex
  }
}

/** In order of last index. */
export function* readSessions(database: DatabaseSync): Generator<ClientSession, void> {
  const statement = database.prepare('SELECT client, sequence, last_index, result FROM sessions ORDER BY last_index')
  for (const row of statement.iterate()) {
    yield {
      client: row['client'] as string,
      sequence: row['sequence'] as number,
      lastIndex: row['last_index'] as number,
      result: row['result'] as Uint8Array,
    }
  }
}

/** From log entries to effects: decoding and checking first, so that a malformed entry changes nothing. */
import type { Envelope, WriteResult } from '../../api/index.ts'
import { assert } from '../../lib/index.ts'
import type { Entry, LogId, Membership } from '../../raft/index.ts'
import { decodeEnvelope, decodeMembership } from '../../wire/index.ts'
import { applyCommand } from './apply-command.ts'
import type { KeyTable } from './apply-command.ts'
import type { ClientSessions } from './client-sessions.ts'

/** An entry whose payload was read. At most one of the two is set; neither is for a noop. */
export interface DecodedEntry {
  readonly index: number
  readonly term: number
  readonly envelope?: Envelope
  readonly membership?: Membership
}

/**
 * Reads the payloads of entries that must follow `applied` without a gap.
 * @throws AssertionError when they do not; WireError when a payload is malformed
 */
export function decodeEntries(entries: readonly Entry[], applied: LogId): DecodedEntry[] {
  let previous: LogId = applied
  return entries.map((entry) => {
    assert(
      entry.index === previous.index + 1,
      `entry ${entry.index} is applied after ${previous.index}: entries must be consecutive`,
    )
    assert(entry.term >= previous.term, `entry ${entry.index} has term ${entry.term}, below ${previous.term} before it`)
    previous = entry
    return decodeEntry(entry)
  })
}

function decodeEntry(entry: Entry): DecodedEntry {
  const { index, term } = entry
  switch (entry.kind) {
    case 'noop':
      return { index, term }
    case 'membership':
      return { index, term, membership: entry.membership ?? decodeMembership(entry.payload) }
    case 'command':
      return { index, term, envelope: decodeEnvelope(entry.payload) }
  }
}

/** Applies a command once: a repetition of a client's write is answered from its session. */
export function applyEnvelope(keys: KeyTable, sessions: ClientSessions, envelope: Envelope, logId: LogId): WriteResult {
  const { origin, command } = envelope
  if (origin === null) return applyCommand(keys, command, logId)
  const repeated = sessions.repeated(origin)
  if (repeated !== undefined) return repeated
  const result = applyCommand(keys, command, logId)
  sessions.record(origin, result)
  return result
}

/** The newest configuration among entries, and the index that brought it. */
export function lastMembership(entries: readonly DecodedEntry[]): { membership: Membership; index: number } | undefined {
  const last = entries.findLast((entry) => entry.membership !== undefined)
  return last?.membership && { membership: last.membership, index: last.index }
}

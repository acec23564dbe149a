/** From log entries to effects: decoding and checking first, so that an entry that cannot be read changes nothing. */
import { decodeEnvelope, decodeSetVersion, DIGEST_INTERVAL } from '../../commands/index.ts'
import type { Applied, Change, Envelope, Language, ReplicatedState } from '../../commands/index.ts'
import { fail, unreachable } from '../../lib/index.ts'
import type { AppliedBatch, StateDigest } from '../../ports/index.ts'
import type { Entry, LogId, Membership } from '../../raft/index.ts'
import { decodeMembership } from '../../wire/index.ts'

/** An entry whose payload was read. At most one of the three is set; none is for a noop. */
export interface DecodedEntry {
  readonly index: number
  readonly term: number
  readonly envelope?: Envelope
  readonly membership?: Membership
  /** The version that the cluster has from here on. */
  readonly version?: number
}

/**
 * Reads the payloads of entries that must follow `applied` without a gap.
 * @throws AssertionError when they do not; LaterVersion when it takes a later program to read one; WireError when a payload is malformed
 */
export function decodeEntries(entries: readonly Entry[], applied: LogId, language: Language): DecodedEntry[] {
  let previous: LogId = applied
  return entries.map((entry) => {
    if (entry.index !== previous.index + 1)
      fail(`entry ${entry.index} is applied after ${previous.index}: entries must be consecutive`)
    if (!(entry.term >= previous.term)) fail(`entry ${entry.index} has term ${entry.term}, below ${previous.term} before it`)
    previous = entry
    return decodeEntry(entry, language)
  })
}

function decodeEntry(entry: Entry, language: Language): DecodedEntry {
  const { index, term } = entry
  switch (entry.kind) {
    case 'noop':
      return { index, term }
    case 'membership':
      return { index, term, membership: entry.membership ?? decodeMembership(entry.payload) }
    case 'command':
      return { index, term, envelope: decodeEnvelope(entry.payload, language) }
    case 'version':
      return { index, term, version: decodeSetVersion(entry.payload, language) }
    default:
      return unreachable(entry.kind)
  }
}

/** Applies what was decoded, in order. */
export function applyDecoded(state: ReplicatedState, entries: readonly DecodedEntry[]): AppliedBatch {
  const changes: Change[] = []
  const digests: StateDigest[] = []
  const results = entries.map(({ index, term, envelope, version }): Applied | null => {
    if (version !== undefined) state.raiseVersion(version)
    const result = envelope === undefined ? null : state.apply(envelope, { term, index }, changes)
    if (index % DIGEST_INTERVAL === 0) digests.push({ index, digest: state.digest })
    return result
  })
  return { results, changes, digests }
}

/** The newest configuration among entries, and the index that brought it. */
export function lastMembership(entries: readonly DecodedEntry[]): { membership: Membership; index: number } | undefined {
  const last = entries.findLast((entry) => entry.membership !== undefined)
  return last?.membership && { membership: last.membership, index: last.index }
}

/** SQLite has no checksums of pages or rows: a byte that flips inside a value would be served, and sent to others in a snapshot. */
import { crc32 } from 'node:zlib'
import type { KeyValue } from '../../api/index.ts'
import { rowHash } from '../../commands/index.ts'
import type { Space } from '../../commands/index.ts'
import { Murmur3 } from '../../lib/index.ts'
import type { StateInfo } from '../../ports/index.ts'

/** What a database says of itself; the rest of a {@link StateInfo} is in rows. */
export type StatePosition = Omit<StateInfo, 'revision' | 'timeMs' | 'clusterVersion'>

const WORD = 0x1_0000_0000

const hasher = new Murmur3()

type Counters = Pick<KeyValue, 'createRevision' | 'modRevision' | 'version'>

/**
 * Of everything a row says but its value, of which its hash speaks; a single flipped bit of any of it changes the result. In JavaScript:
 * keys are short, and a call out of it costs more than to hash one.
 */
export function headChecksum(space: Space, key: Uint8Array, counters: Counters, size: number, hash: number): number {
  const { createRevision, modRevision, version } = counters
  hasher.begin()
  hasher.words(createRevision | 0, (createRevision / WORD) | 0, modRevision | 0, (modRevision / WORD) | 0)
  hasher.words(version | 0, (version / WORD) | 0, hash | 0, (hash / WORD) | 0)
  hasher.words(space, size, 0, 0)
  hasher.bytes(key)
  hasher.finish()
  return hasher.low >>> 0
}

/** Whether a row is what it was when it was written with this hash and this checksum. */
export function isSoundRow(space: Space, row: KeyValue, hash: number, checksum: number): boolean {
  return headChecksum(space, row.key, row, row.value.length, hash) === checksum && rowHash(space, row) === hash
}

/** Of what the state says of itself; `membership` is the checksum of its encoded form, 0 without one. */
export function metaChecksum(position: Omit<StatePosition, 'membership'>, membership: number): number {
  const { applied, membershipIndex, keys, bytes, systemRows, systemBytes } = position
  const numbers = [applied.term, applied.index, membershipIndex, keys, bytes, systemRows, systemBytes]
  return crc32(numbers.join(','), membership)
}

/** Of an encoded membership. */
export function membershipChecksum(encoded: Uint8Array | null): number {
  return encoded === null ? 0 : crc32(encoded)
}

/** A row does not read back as it was written; SQLite's own code for that makes it damage of the file. */
export class RowDamage extends Error {
  override readonly name = 'RowDamage'
  /** SQLITE_CORRUPT */
  readonly errcode = 11

  constructor(what: string) {
    super(`the checksum of ${what} is wrong`)
  }
}

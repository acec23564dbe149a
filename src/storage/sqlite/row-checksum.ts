/** SQLite has no checksums of pages or rows: a byte that flips inside a value would be served, and sent to others in a snapshot. */
import { crc32 } from 'node:zlib'
import type { KeyValue } from '../../api/index.ts'
import type { RowHead, Space } from '../../commands/index.ts'
import { Murmur3 } from '../../lib/index.ts'
import type { StateInfo } from '../../ports/index.ts'

/** What a database says of itself; the rest of a {@link StateInfo} is in rows. */
export type StatePosition = Omit<StateInfo, 'revision' | 'timeMs' | 'clusterVersion'>

/** As many bits of a checksum are about all but the value, above the 32 that are about everything: a safe integer holds both. */
const HEAD_BITS = 20
const WORD = 0x1_0000_0000

const hasher = new Murmur3()

type Counters = Pick<KeyValue, 'createRevision' | 'modRevision' | 'version'>

/** What stands beside a value in the file. */
export interface KeptHead extends RowHead {
  readonly hash: number
}

/** Of everything a row says, and its hash; a single flipped bit of any of it changes the result. */
export function rowChecksum(space: Space, row: KeyValue, hash: number): number {
  const { key, value } = row
  const head = headHash(space, key, row, value.length, hash)
  return (head >>> (32 - HEAD_BITS)) * WORD + crc32(value, head)
}

/** Whether a row says of itself, its value aside, what it said when it was written with `checksum`. */
export function isSoundHead(space: Space, key: Uint8Array, head: KeptHead, checksum: number): boolean {
  const found = headHash(space, key, head, head.size, head.hash)
  return Math.floor(checksum / WORD) === found >>> (32 - HEAD_BITS)
}

/** In JavaScript: keys are short, and a call out of it costs more than to hash one. */
function headHash(space: Space, key: Uint8Array, counters: Counters, size: number, hash: number): number {
  const { createRevision, modRevision, version } = counters
  hasher.begin()
  hasher.words(createRevision | 0, (createRevision / WORD) | 0, modRevision | 0, (modRevision / WORD) | 0)
  hasher.words(version | 0, (version / WORD) | 0, hash | 0, (hash / WORD) | 0)
  hasher.words(space, size, 0, 0)
  hasher.bytes(key)
  hasher.finish()
  return hasher.low >>> 0
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

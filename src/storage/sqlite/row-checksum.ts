/** SQLite has no checksums of pages or rows: a byte that flips inside a value would be served, and sent to others in a snapshot. */
import { crc32 } from 'node:zlib'
import type { KeyValue } from '../../api/index.ts'
import type { RowHead, Space } from '../../commands/index.ts'
import type { StateInfo } from '../../ports/index.ts'

/** What a database says of itself; the rest of a {@link StateInfo} is in rows. */
export type StatePosition = Omit<StateInfo, 'revision' | 'timeMs' | 'clusterVersion'>

/** As many bits of a checksum are about all but the value, above the 32 that are about everything: a safe integer holds both. */
const HEAD_BITS = 20

/** What stands beside a value in the file. */
export interface KeptHead extends RowHead {
  readonly hash: number
}

/** Of everything a row says, and its hash; a single flipped bit of any of it changes the result. */
export function rowChecksum(space: Space, row: KeyValue, hash: number): number {
  const head = headCrc(space, row.key, { ...row, size: row.value.length, hash })
  return (head >>> (32 - HEAD_BITS)) * 0x1_0000_0000 + crc32(row.value, head)
}

/** Whether a row says of itself, its value aside, what it said when it was written with `checksum`. */
export function isSoundHead(space: Space, key: Uint8Array, head: KeptHead, checksum: number): boolean {
  return Math.floor(checksum / 0x1_0000_0000) === headCrc(space, key, head) >>> (32 - HEAD_BITS)
}

function headCrc(space: Space, key: Uint8Array, { createRevision, modRevision, version, size, hash }: KeptHead): number {
  // Each number is mixed in at another place; beyond 2^32 its upper half counts as well.
  const numbers =
    fold(createRevision) ^
    Math.imul(fold(modRevision), 0x9e37_79b1) ^
    Math.imul(fold(version), 0x85eb_ca6b) ^
    Math.imul(fold(hash), 0x2545_f491)
  return crc32(key, (numbers ^ Math.imul(space, 0x27d4_eb2f) ^ Math.imul(size, 0x1656_67b1)) >>> 0)
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

function fold(number: number): number {
  return (number >>> 0) ^ Math.imul(Math.floor(number / 0x1_0000_0000), 0xc2b2_ae35)
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

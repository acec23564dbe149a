/** SQLite has no checksums of pages or rows: a byte that flips inside a value would be served, and sent to others in a snapshot. */
import { crc32 } from 'node:zlib'
import type { KeyValue } from '../../api/index.ts'
import type { StateInfo } from '../../ports/index.ts'
import type { ClientSession } from './client-sessions.ts'

/** Of everything a row says; a single flipped bit of any of it changes the result. */
export function rowChecksum({ key, value, createRevision, modRevision, version }: KeyValue): number {
  // Each number is mixed in at another place; beyond 2^32 its upper half counts as well.
  const numbers = fold(createRevision) ^ Math.imul(fold(modRevision), 0x9e37_79b1) ^ Math.imul(fold(version), 0x85eb_ca6b)
  return crc32(value, crc32(key, numbers >>> 0))
}

export function sessionChecksum({ client, sequence, lastIndex, result }: ClientSession): number {
  return crc32(result, crc32(`${sequence},${lastIndex},${client}`))
}

/** Of what the state says of itself; `membership` is the checksum of its encoded form, 0 without one. */
export function metaChecksum(info: Omit<StateInfo, 'membership'>, membership: number): number {
  return crc32(`${info.applied.term},${info.applied.index},${info.membershipIndex},${info.keys},${info.bytes}`, membership)
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

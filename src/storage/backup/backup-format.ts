/**
 * The layout of a backup, version 1: a snapshot with what is needed to believe it. Numbers are big-endian.
 *
 *   prelude   magic "ASPENBAK", u32 version, u32 length of the header, u32 CRC-32 of the header
 *   header    JSON in UTF-8: {@link BackupHeader}
 *   blocks    each: u32 length (1 to {@link BACKUP_BLOCK_SIZE}), u32 CRC-32, bytes; together the bytes of a snapshot file
 *   trailer   u32 0, magic "ASPENEND", SHA-256 of everything before it
 *
 * A cut is found because the trailer is missing, damage by the checksum of its block, and anything else by the two digests.
 */
import type { Member } from '../../raft/index.ts'

export const BACKUP_VERSION = 1
export const BACKUP_MAGIC: Buffer = Buffer.from('ASPENBAK', 'latin1')
export const BACKUP_TRAILER: Buffer = Buffer.from('ASPENEND', 'latin1')
export const BACKUP_PRELUDE_SIZE = 20
export const BACKUP_BLOCK_HEAD_SIZE = 8
export const BACKUP_BLOCK_SIZE: number = 256 * 1024
export const BACKUP_DIGEST_SIZE = 32
export const BACKUP_TRAILER_SIZE: number = 4 + BACKUP_TRAILER.length + BACKUP_DIGEST_SIZE

/** What a backup says of itself. */
export interface BackupHeader {
  readonly clusterId: string
  readonly clusterVersion: number
  /** The node that it was taken at. */
  readonly nodeId: number
  /** The last entry in it. */
  readonly index: number
  readonly term: number
  readonly voters: readonly number[]
  readonly learners: readonly number[]
  readonly members: readonly Member[]
  /** Whether the node was asked without the cluster: what others had committed may be missing. */
  readonly local: boolean
  /** When it was begun, by the clock of that machine, in ISO 8601. */
  readonly createdAt: string
  /** Of the snapshot in it: bytes, hexadecimal SHA-256, and the name that a snapshot store knows it by. */
  readonly snapshotSize: number
  readonly snapshotDigest: string
  readonly snapshotId: string
}

/** Bytes of a backup whose header has so many. */
export function backupSize(headerSize: number, snapshotSize: number): number {
  const blocks = Math.ceil(snapshotSize / BACKUP_BLOCK_SIZE)
  return BACKUP_PRELUDE_SIZE + headerSize + snapshotSize + blocks * BACKUP_BLOCK_HEAD_SIZE + BACKUP_TRAILER_SIZE
}

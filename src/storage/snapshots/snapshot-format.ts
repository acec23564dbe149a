/**
 * The layout of a snapshot file, version 4. Numbers are big-endian; equal states give equal bytes.
 *
 *   prelude   magic "ASPENSNP", u32 version, u32 length of the header
 *   header    cluster id and version, last entry, membership and its index, counts (see {@link encodeHeader})
 *   rows      space by space, in byte order of their keys: u8 space, u16 key length, u32 value length,
 *             u64 create revision, u64 modification revision, u64 version, key, value
 *   trailer   magic "ASPENEND"
 *
 * A SHA-256 digest of the whole file travels beside it, and is part of its name.
 */
import { MAX_SNAPSHOT_HEADER_SIZE } from '../../limits.ts'
import type { SnapshotMeta } from '../../raft/index.ts'
import { ByteReader, ByteWriter, decodeMembership, encodeMembership, MAX_CLUSTER_ID_SIZE } from '../../wire/index.ts'

export const SNAPSHOT_VERSION = 4
export const SNAPSHOT_MAGIC: Buffer = Buffer.from('ASPENSNP', 'latin1')
export const SNAPSHOT_TRAILER: Buffer = Buffer.from('ASPENEND', 'latin1')
export const PRELUDE_SIZE = 16
export const ROW_HEAD_SIZE = 31

/** What a snapshot file says of itself before its rows. */
export interface SnapshotHeader extends SnapshotMeta {
  readonly clusterId: string
  readonly clusterVersion: number
  /** Rows of users. */
  readonly keys: number
  /** Bytes of keys and values in those rows. */
  readonly bytes: number
  /** The same of the spaces of the system. */
  readonly systemRows: number
  readonly systemBytes: number
}

/** @throws WireError when the membership is invalid */
export function encodeHeader(header: SnapshotHeader): Uint8Array {
  const writer = new ByteWriter()
  const clusterId = Buffer.from(header.clusterId)
  writer.varint(clusterId.length)
  writer.raw(clusterId)
  writer.varint(header.clusterVersion)
  writer.varint(header.last.term)
  writer.varint(header.last.index)
  writer.varint(header.membershipIndex)
  const membership = encodeMembership(header.membership)
  writer.varint(membership.length)
  writer.raw(membership)
  writer.varint(header.keys)
  writer.varint(header.bytes)
  writer.varint(header.systemRows)
  writer.varint(header.systemBytes)
  return writer.finish()
}

/** @throws WireError when the bytes are no header */
export function decodeHeader(bytes: Uint8Array): SnapshotHeader {
  const reader = new ByteReader(bytes, 'snapshot header')
  const clusterId = reader.string(0, MAX_CLUSTER_ID_SIZE, 'cluster id')
  const clusterVersion = reader.varint()
  const last = { term: reader.varint(), index: reader.varint() }
  const membershipIndex = reader.varint()
  const membership = decodeMembership(reader.prefixed(1, MAX_SNAPSHOT_HEADER_SIZE, 'membership'))
  const keys = reader.varint()
  const rowBytes = reader.varint()
  const systemRows = reader.varint()
  const systemBytes = reader.varint()
  reader.expectEnd()
  return { clusterId, clusterVersion, last, membershipIndex, membership, keys, bytes: rowBytes, systemRows, systemBytes }
}

const HIGH = 0x1_0000_0000

export function writeUint64(buffer: Buffer, value: number, offset: number): void {
  buffer.writeUInt32BE(Math.floor(value / HIGH), offset)
  buffer.writeUInt32BE(value >>> 0, offset + 4)
}

/** Undefined when the number is beyond 2^53-1, where no number of ours is. */
export function readUint64(buffer: Buffer, offset: number): number | undefined {
  const value = buffer.readUInt32BE(offset) * HIGH + buffer.readUInt32BE(offset + 4)
  return Number.isSafeInteger(value) ? value : undefined
}

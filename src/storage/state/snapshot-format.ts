/**
 * The layout of a snapshot file, version 1. Numbers are big-endian; equal states give equal bytes.
 *
 *   prelude   magic "ASPENSNP", u32 version, u32 length of the header
 *   header    cluster id, last entry, membership and its index, counts (see {@link encodeHeader})
 *   rows      one for each key, in byte order: u16 key length, u32 value length, u64 create revision,
 *             u64 modification revision, u64 version, key, value
 *   sessions  one for each client, by last log index: u16 client length, u32 result length, u64 sequence,
 *             u64 last log index, client, result
 *   trailer   magic "ASPENEND"
 *
 * A SHA-256 digest of the whole file travels beside it, and is part of its name.
 */
import { MAX_CLIENT_ID_SIZE, MAX_CLIENT_SESSIONS, MAX_COMMAND_SIZE } from '../../limits.ts'
import type { SnapshotMeta } from '../../raft/index.ts'
import { ByteReader, ByteWriter, decodeMembership, encodeMembership, MAX_CLUSTER_ID_SIZE } from '../../wire/index.ts'

export const SNAPSHOT_VERSION = 1
export const SNAPSHOT_MAGIC: Buffer = Buffer.from('ASPENSNP', 'latin1')
export const SNAPSHOT_TRAILER: Buffer = Buffer.from('ASPENEND', 'latin1')
export const PRELUDE_SIZE = 16
export const ROW_HEAD_SIZE = 30
export const SESSION_HEAD_SIZE = 22
/** The membership in a header came as a log entry, so it is no larger than one. */
export const MAX_HEADER_SIZE: number = MAX_COMMAND_SIZE + 1024
/** A session's result is bounded where it is made; the reader allows room for a later version to keep more. */
export const MAX_STORED_RESULT_SIZE: number = MAX_COMMAND_SIZE

/** What a snapshot file says of itself before its rows. */
export interface SnapshotHeader extends SnapshotMeta {
  readonly clusterId: string
  /** Rows that follow. */
  readonly keys: number
  /** Bytes of keys and values in those rows. */
  readonly bytes: number
  /** Sessions that follow the rows. */
  readonly sessions: number
}

/** @throws WireError when the membership is invalid */
export function encodeHeader(header: SnapshotHeader): Uint8Array {
  const writer = new ByteWriter()
  const clusterId = Buffer.from(header.clusterId)
  writer.varint(clusterId.length)
  writer.raw(clusterId)
  writer.varint(header.last.term)
  writer.varint(header.last.index)
  writer.varint(header.membershipIndex)
  const membership = encodeMembership(header.membership)
  writer.varint(membership.length)
  writer.raw(membership)
  writer.varint(header.keys)
  writer.varint(header.bytes)
  writer.varint(header.sessions)
  return writer.finish()
}

/** @throws WireError when the bytes are no header */
export function decodeHeader(bytes: Uint8Array): SnapshotHeader {
  const reader = new ByteReader(bytes, 'snapshot header')
  const clusterId = reader.string(0, MAX_CLUSTER_ID_SIZE, 'cluster id')
  const last = { term: reader.varint(), index: reader.varint() }
  const membershipIndex = reader.varint()
  const membership = decodeMembership(reader.prefixed(1, MAX_HEADER_SIZE, 'membership'))
  const keys = reader.varint()
  const rowBytes = reader.varint()
  const sessions = reader.varintWithin(0, MAX_CLIENT_SESSIONS, 'number of sessions')
  reader.expectEnd()
  return { clusterId, last, membershipIndex, membership, keys, bytes: rowBytes, sessions }
}

/** Bytes of a client id, which may take up to 64. */
export const MAX_STORED_CLIENT_SIZE: number = MAX_CLIENT_ID_SIZE

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

/**
 * Frames and records, the content of a segment behind its header. A frame is the atomic unit of recovery and, at the
 * same time, one durable write: frame n+1 is written only after frame n is durable. Therefore a bad frame with a
 * trace of frame n+2 or later behind it is damage, and a bad frame with none is what a crash left.
 *
 * Frame:  0 magic, 4 CRC-32 of bytes 8..31, 8 sequence (64 bits), 16 position in the file, 20 bytes of records,
 *         24 count of records, 28 kind.
 * Record: 0 CRC-32 of the rest, 4 payload length, 8 type, 9 group (16 bits), 11 version of the commands that it needs, 12 index
 *         (64 bits), 20 term (64 bits), 28 payload.
 *
 * The checksum is CRC-32 (IEEE 802.3) and not CRC-32C, because `node:zlib` computes the former natively, at gigabytes a
 * second; both find every burst of up to 32 bits.
 *
 * Every CRC starts from a seed made of the log store id and the segment number. Bytes of another segment or log, or a
 * value stored by a user that looks like a frame, do not check out.
 */
import { crc32 } from 'node:zlib'
import { utf8Encode } from '../../lib/index.ts'
import type { EntryKind } from '../../raft/index.ts'
import { getInt64 } from './int64.ts'

export const FRAME_HEADER_SIZE = 32
export const RECORD_HEADER_SIZE = 28
export const FRAME_MAGIC = 0x8fa5_e70c

export const FRAME_DATA = 0
/** An empty frame behind the last one: from now on damage to that one shows. Written by a clean stop and by recovery. */
export const FRAME_MARKER = 1
/** An empty frame that says that a next segment exists. */
export const FRAME_SEAL = 2

export const RECORD_ENTRY_FIRST = 1
export const RECORD_HARD_STATE = 4
/** Index and term of the last entry that is left. */
export const RECORD_TRUNCATE = 5
export const RECORD_CLUSTER_ID = 6

/** The one group that this version keeps in a log. */
export const LOG_GROUP = 0
/** What every record of this version needs. */
export const RECORD_NEEDS = 1

/** Position + {@link RECORD_ENTRY_FIRST} is the record type: the order is part of the format. Records of other kinds stand between. */
const KINDS: readonly (EntryKind | null)[] = ['command', 'noop', 'membership', null, null, null, 'version']

/** The number of an entry kind, in the index and, shifted, on disk. */
export function kindNumber(kind: EntryKind): number {
  return KINDS.indexOf(kind)
}

export function kindOf(number: number): EntryKind {
  return KINDS[number] as EntryKind
}

export function isEntryRecord(type: number): boolean {
  return (KINDS[type - RECORD_ENTRY_FIRST] ?? null) !== null
}

/** Where the CRCs of a segment start from. */
export function checksumSeed(storeId: string, segmentNumber: number): number {
  return crc32(utf8Encode(`${storeId}/${segmentNumber}`))
}

/** The bytes of one segment, or of a part of it, for decoding. */
export interface SegmentBytes {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly seed: number
}

export function segmentBytes(bytes: Uint8Array, seed: number): SegmentBytes {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), seed }
}

export interface FrameHeader {
  readonly sequence: number
  /** Position behind the frame. */
  readonly end: number
  readonly recordCount: number
  readonly kind: number
}

/** The frame header at `at`, or undefined when there is none that checks out. */
export function decodeFrameHeader({ bytes, view, seed }: SegmentBytes, at: number): FrameHeader | undefined {
  if (at + FRAME_HEADER_SIZE > bytes.length || view.getUint32(at, true) !== FRAME_MAGIC) return undefined
  if (view.getUint32(at + 4, true) !== crc32(bytes.subarray(at + 8, at + FRAME_HEADER_SIZE), seed)) return undefined
  if (view.getUint32(at + 16, true) !== at) return undefined
  return {
    sequence: getInt64(view, at + 8),
    end: at + FRAME_HEADER_SIZE + view.getUint32(at + 20, true),
    recordCount: view.getUint32(at + 24, true),
    kind: view.getUint32(at + 28, true),
  }
}

export interface DecodedRecord {
  readonly type: number
  readonly group: number
  /** The version of the commands that a reader has to know. */
  readonly needs: number
  readonly index: number
  readonly term: number
  /** A view of the bytes given. */
  readonly payload: Uint8Array
}

/** Position behind the record at `at` when it fits before `end` and its CRC holds; else undefined. */
export function checkRecord({ bytes, view, seed }: SegmentBytes, at: number, end: number): number | undefined {
  if (at + RECORD_HEADER_SIZE > end) return undefined
  const recordEnd = at + RECORD_HEADER_SIZE + view.getUint32(at + 4, true)
  if (recordEnd > end) return undefined
  return view.getUint32(at, true) === crc32(bytes.subarray(at + 4, recordEnd), seed) ? recordEnd : undefined
}

/** Position behind the record at `at`, which {@link checkRecord} has checked. */
export function recordEnd({ view }: SegmentBytes, at: number): number {
  return at + RECORD_HEADER_SIZE + view.getUint32(at + 4, true)
}

/** The record at `at`, which {@link checkRecord} has checked and which ends at `end`. */
export function decodeRecord({ bytes, view }: SegmentBytes, at: number, end: number): DecodedRecord {
  return {
    type: bytes[at + 8] as number,
    group: view.getUint16(at + 9, true),
    needs: bytes[at + 11] as number,
    index: getInt64(view, at + 12),
    term: getInt64(view, at + 20),
    payload: bytes.subarray(at + RECORD_HEADER_SIZE, end),
  }
}

/** The whole frame at `at`, or undefined unless its header and every record of it check out. */
export function checkFrame(segment: SegmentBytes, at: number): FrameHeader | undefined {
  const header = decodeFrameHeader(segment, at)
  if (header === undefined || header.end > segment.bytes.length) return undefined
  let position = at + FRAME_HEADER_SIZE
  let count = 0
  while (position < header.end) {
    const next = checkRecord(segment, position, header.end)
    if (next === undefined) return undefined
    position = next
    count++
  }
  return count === header.recordCount ? header : undefined
}

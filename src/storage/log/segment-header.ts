/**
 * The first 512 bytes of a segment. They are durable before the file gets its name, so a header that does not read
 * back is damage, never a crash. A header carries all that must be known when every older segment is gone.
 *
 *   0  magic "ASPENLOG"          40  index before the first entry     80  cluster id: u16 length (0xffff: none), UTF-8
 *   8  CRC-32 of bytes 12..511   48  term of that index              210  log store id: u16 length, UTF-8
 *  12  format version            56  hard state: term                340  zeros
 *  16  flags                     64  hard state: vote, 0 for none
 *  20  zeros                     72  capacity of the segment
 *  24  segment number
 *  32  sequence of the last frame before this segment
 *
 * Integers are little-endian; from byte 24 they have 64 bits. Magic, CRC and version keep their places in every version.
 */
import { crc32 } from 'node:zlib'
import { fail, utf8Decode, utf8Encode } from '../../lib/index.ts'
import type { HardState, LogId } from '../../raft/index.ts'
import { getInt64, setInt64 } from './int64.ts'
import { LogCorruptionError } from './log-corruption-error.ts'

export const FORMAT_VERSION = 2
export const SEGMENT_HEADER_SIZE = 512
/** In bytes of UTF-8, for the cluster id and for the log store id. */
const MAX_ID_SIZE = 128

const MAGIC = utf8Encode('ASPENLOG')
const CRC_OFFSET = 8
const VERSION_OFFSET = 12
const CLUSTER_ID_OFFSET = 80
const STORE_ID_OFFSET = CLUSTER_ID_OFFSET + 2 + MAX_ID_SIZE
const NO_ID = 0xffff

/** This segment voids all with lower numbers. */
const FLAG_RESET = 1
/** The first frame was made durable together with the header. */
const FLAG_OPENS_WITH_FRAME = 2

export interface SegmentHeader {
  readonly number: number
  readonly storeId: string
  readonly clusterId: string | null
  /** As of the beginning of the segment. */
  readonly hardState: HardState
  /** The position before the first entry of the segment. */
  readonly base: LogId
  readonly previousSequence: number
  /** The size of the file: appends never change it. */
  readonly capacity: number
  readonly isReset: boolean
  readonly opensWithFrame: boolean
}

function checksum(bytes: Uint8Array): number {
  return crc32(bytes.subarray(VERSION_OFFSET, SEGMENT_HEADER_SIZE))
}

function encodeId(bytes: Uint8Array, view: DataView, offset: number, id: string | null): void {
  if (id === null) return view.setUint16(offset, NO_ID, true)
  const text = utf8Encode(id)
  if (!(text.length <= MAX_ID_SIZE)) fail(`the id "${id}" has ${text.length} bytes; a segment header holds ${MAX_ID_SIZE}`)
  view.setUint16(offset, text.length, true)
  bytes.set(text, offset + 2)
}

function decodeId(bytes: Uint8Array, view: DataView, offset: number): string | null {
  const length = view.getUint16(offset, true)
  if (length === NO_ID) return null
  const id = length <= MAX_ID_SIZE ? utf8Decode(bytes.subarray(offset + 2, offset + 2 + length)) : undefined
  if (id === undefined) fail(`a segment header with a valid checksum has an id of ${length} bytes that is not text`)
  return id
}

/** Fills the first 512 bytes of `bytes`. */
export function encodeSegmentHeader(bytes: Uint8Array, header: SegmentHeader): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, SEGMENT_HEADER_SIZE)
  bytes.fill(0, 0, SEGMENT_HEADER_SIZE)
  bytes.set(MAGIC)
  view.setUint32(VERSION_OFFSET, FORMAT_VERSION, true)
  view.setUint32(16, (header.isReset ? FLAG_RESET : 0) | (header.opensWithFrame ? FLAG_OPENS_WITH_FRAME : 0), true)
  setInt64(view, 24, header.number)
  setInt64(view, 32, header.previousSequence)
  setInt64(view, 40, header.base.index)
  setInt64(view, 48, header.base.term)
  setInt64(view, 56, header.hardState.term)
  setInt64(view, 64, header.hardState.votedFor ?? 0)
  setInt64(view, 72, header.capacity)
  encodeId(bytes, view, CLUSTER_ID_OFFSET, header.clusterId)
  encodeId(bytes, view, STORE_ID_OFFSET, header.storeId)
  view.setUint32(CRC_OFFSET, checksum(bytes), true)
}

function check(file: string, bytes: Uint8Array, view: DataView): void {
  if (bytes.length < SEGMENT_HEADER_SIZE) {
    throw new LogCorruptionError(file, bytes.length, `the file ends inside its header of ${SEGMENT_HEADER_SIZE} bytes`)
  }
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw new LogCorruptionError(file, 0, 'it does not begin like a log segment')
  if (view.getUint32(CRC_OFFSET, true) !== checksum(bytes))
    throw new LogCorruptionError(file, 0, 'the checksum of its header is wrong')
  const version = view.getUint32(VERSION_OFFSET, true)
  if (version !== FORMAT_VERSION) {
    throw new Error(
      `${file} has log format version ${version}, and this program reads version ${FORMAT_VERSION}: run the version of Aspen that wrote it`,
    )
  }
}

/** @throws LogCorruptionError when damaged; Error when another version wrote it */
export function decodeSegmentHeader(file: string, bytes: Uint8Array): SegmentHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  check(file, bytes, view)
  const flags = view.getUint32(16, true)
  const votedFor = getInt64(view, 64)
  const storeId = decodeId(bytes, view, STORE_ID_OFFSET)
  if (storeId === null) fail(`the header of ${file} names no log store`)
  return {
    number: getInt64(view, 24),
    previousSequence: getInt64(view, 32),
    base: { index: getInt64(view, 40), term: getInt64(view, 48) },
    hardState: { term: getInt64(view, 56), votedFor: votedFor === 0 ? null : votedFor },
    capacity: getInt64(view, 72),
    clusterId: decodeId(bytes, view, CLUSTER_ID_OFFSET),
    storeId,
    isReset: (flags & FLAG_RESET) !== 0,
    opensWithFrame: (flags & FLAG_OPENS_WITH_FRAME) !== 0,
  }
}

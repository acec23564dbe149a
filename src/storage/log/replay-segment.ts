/** Turns the bytes of one segment back into what was written. */
import { LaterVersion, setVersionOf } from '../../commands/index.ts'
import { fail, utf8Decode } from '../../lib/index.ts'
import type { Entry } from '../../raft/index.ts'
import {
  checkFrame,
  decodeFrameHeader,
  decodeRecord,
  FRAME_HEADER_SIZE,
  FRAME_MAGIC,
  isEntryRecord,
  kindOf,
  LOG_GROUP,
  recordEnd,
  RECORD_CLUSTER_ID,
  RECORD_ENTRY_FIRST,
  RECORD_HARD_STATE,
  RECORD_TRUNCATE,
} from './frame.ts'
import type { DecodedRecord, SegmentBytes } from './frame.ts'
import { LogCorruptionError } from './log-corruption-error.ts'
import type { LogImage } from './log-image.ts'
import { SEGMENT_HEADER_SIZE } from './segment-header.ts'
import type { SegmentHeader } from './segment-header.ts'

/** What recovery gathers while it goes from segment to segment. */
export interface Replay {
  readonly image: LogImage
  readonly memberships: Map<number, Entry>
  /** What entries raise the version of the cluster to, by index. */
  readonly versions: Map<number, number>
  /** Whether the first segment tells exactly where the log begins; else older segments were purged before it. */
  readonly exactBase: boolean
  /** The version that the reader can apply: records that need a later one are not for it. */
  readonly ownVersion: number
  /** Of the last frame replayed. */
  sequence: number
}

/** A segment on its way from the disk. */
export interface LoadedSegment {
  readonly name: string
  readonly header: SegmentHeader
  readonly content: SegmentBytes
}

function applyTruncate(replay: Replay, { index: lastIndex, term }: DecodedRecord): void {
  const { index } = replay.image
  for (const held of replay.memberships.keys()) if (held > lastIndex) replay.memberships.delete(held)
  for (const held of replay.versions.keys()) if (held > lastIndex) replay.versions.delete(held)
  if (lastIndex < index.base.index) {
    // The entries between were in purged segments. Had they been live at the purge, it would have kept them.
    if (replay.exactBase) fail(`entries after ${lastIndex} are removed from a log that begins after ${index.base.index}`)
    index.clear({ index: lastIndex, term })
    return
  }
  index.truncateAfter(lastIndex)
  if (index.last.term !== term) fail(`entry ${lastIndex} has term ${index.last.term}, and a truncation says ${term}`)
}

function applyEntry(replay: Replay, segment: number, position: number, record: DecodedRecord): void {
  const { index, term, payload } = record
  const kind = kindOf(record.type - RECORD_ENTRY_FIRST)
  replay.image.index.append({ index, term, kind, size: payload.length }, { segment, position })
  // A copy, because the bytes around it are a whole segment.
  if (kind === 'membership') replay.memberships.set(index, { index, term, kind, payload: payload.slice() })
  if (kind === 'version') replay.versions.set(index, setVersionOf(payload))
}

function applyRecord(replay: Replay, segment: number, position: number, record: DecodedRecord): void {
  if (isEntryRecord(record.type)) return applyEntry(replay, segment, position, record)
  if (record.type === RECORD_HARD_STATE) {
    replay.image.hardState = { term: record.term, votedFor: record.index === 0 ? null : record.index }
  } else if (record.type === RECORD_TRUNCATE) {
    applyTruncate(replay, record)
  } else {
    const clusterId = record.type === RECORD_CLUSTER_ID ? utf8Decode(record.payload) : undefined
    if (clusterId === undefined) fail(`a record has type ${record.type}, which this version does not know`)
    replay.image.clusterId = clusterId
  }
}

/** A whole record that this version must not act on is no damage: a later program wrote it, and can read it. */
function checkKnown({ group, needs }: DecodedRecord, ownVersion: number, where: string): void {
  if (needs > ownVersion) throw new LaterVersion(where, needs, ownVersion)
  if (group === LOG_GROUP) return
  throw new Error(
    `${where} belongs to group ${group}; this program keeps group ${LOG_GROUP} alone: run the version of Aspen that wrote it`,
  )
}

function applyFrame(replay: Replay, { name, header, content }: LoadedSegment, at: number, end: number): void {
  for (let position = at + FRAME_HEADER_SIZE; position < end;) {
    const next = recordEnd(content, position)
    const record = decodeRecord(content, position, next)
    checkKnown(record, replay.ownVersion, `the record at ${position} of ${name}`)
    try {
      applyRecord(replay, header.number, position, record)
    } catch (error) {
      throw new LogCorruptionError(name, position, `a record contradicts those before it: ${(error as Error).message}`)
    }
    position = next
  }
}

/**
 * Applies frames until one does not check out, or until the frame with sequence `until`.
 * @returns the position behind the last frame, where that begins, and its kind; of none, the end of the header
 */
export function replayFrames(
  replay: Replay,
  segment: LoadedSegment,
  until: number,
): { position: number; start: number; kind: number | undefined } {
  let position = SEGMENT_HEADER_SIZE
  let start = position
  let kind: number | undefined
  while (replay.sequence < until) {
    const frame = checkFrame(segment.content, position)
    if (frame?.sequence !== replay.sequence + 1) break
    applyFrame(replay, segment, position, frame.end)
    replay.sequence++
    start = position
    position = frame.end
    kind = frame.kind
  }
  return { position, start, kind }
}

const MAGIC_BYTES = Buffer.from([FRAME_MAGIC & 0xff, (FRAME_MAGIC >>> 8) & 0xff, (FRAME_MAGIC >>> 16) & 0xff, FRAME_MAGIC >>> 24])

/** The position of a frame behind `from` whose sequence is at least `sequence`, or undefined. */
export function findFrame(content: SegmentBytes, from: number, sequence: number): number | undefined {
  const { bytes } = content
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = buffer.indexOf(MAGIC_BYTES, from); at !== -1; at = buffer.indexOf(MAGIC_BYTES, at + 1)) {
    const header = decodeFrameHeader(content, at)
    if (header !== undefined && header.sequence >= sequence) return at
  }
  return undefined
}

const ZEROS = Buffer.alloc(64 * 1024)

/** The position behind the last byte that is not zero, at least `from`. */
export function endOfContent(bytes: Uint8Array, from: number): number {
  let end = bytes.length
  while (end > from) {
    const start = Math.max(from, end - ZEROS.length)
    if (ZEROS.compare(bytes, start, end, 0, end - start) !== 0) break
    end = start
  }
  while (end > from && bytes[end - 1] === 0) end--
  return end
}

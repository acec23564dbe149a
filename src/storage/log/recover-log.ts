/**
 * Opening a log. What a crash can leave is repaired: a spare file, a torn last frame, older segments that a reset or
 * an interrupted purge had not removed yet. Everything else that is not as it was written is refused, because a node
 * that forgot an acknowledged entry or a vote breaks the promises of its cluster.
 */
import type { Disk, RecoveredLog } from '../../ports/index.ts'
import { EntryIndex } from './entry-index.ts'
import { checksumSeed, FRAME_HEADER_SIZE, FRAME_MARKER, FRAME_SEAL, segmentBytes } from './frame.ts'
import { encodeEmptyFrame } from './frame-encoder.ts'
import { LogCorruptionError } from './log-corruption-error.ts'
import type { LogImage } from './log-image.ts'
import { endOfContent, findFrame, replayFrames } from './replay-segment.ts'
import type { LoadedSegment, Replay } from './replay-segment.ts'
import { decodeSegmentHeader, SEGMENT_HEADER_SIZE } from './segment-header.ts'
import type { SegmentHeader } from './segment-header.ts'
import { listSegments, segmentName, spareName } from './segment-name.ts'
import { Segment } from './segment.ts'

export interface RecoveredState {
  readonly image: LogImage
  /** In ascending order; the last one takes the appends. */
  readonly segments: Segment[]
  /** Of the last frame. */
  readonly sequence: number
  /** Where the next frame goes. */
  readonly position: number
  readonly recovered: RecoveredLog
}

export interface RecoverOptions {
  readonly prefix: string
  readonly storeId: string
  /** The version of the commands that the reader can apply. */
  readonly ownVersion: number
}

interface FoundHeader {
  readonly name: string
  readonly header: SegmentHeader
}

function readHeader(disk: Disk, prefix: string, storeId: string, number: number): FoundHeader {
  const name = segmentName(prefix, number)
  const file = disk.open(name)
  const size = file.size()
  const bytes = file.readSync(0, SEGMENT_HEADER_SIZE)
  file.close()
  const header = decodeSegmentHeader(name, bytes)
  if (header.number !== number) throw new LogCorruptionError(name, 0, `its header says that it is segment ${header.number}`)
  if (header.storeId !== storeId) {
    throw new Error(
      `${name} belongs to log store ${header.storeId}, and this node's identity names ${storeId}: ` +
        `put back the identity and the log that belong together, or give the node a data directory of its own`,
    )
  }
  if (size < header.capacity) throw new LogCorruptionError(name, size, `the file ends here and was ${header.capacity} bytes long`)
  return { name, header }
}

/** The headers of the segments that count, ascending; what a reset has voided is left out and unread. */
function readHeaders(disk: Disk, prefix: string, storeId: string, numbers: readonly number[]): FoundHeader[] {
  const headers: FoundHeader[] = []
  for (const number of numbers.toReversed()) {
    const next = headers[0]
    if (next !== undefined && next.header.number !== number + 1) {
      const missing = segmentName(prefix, next.header.number - 1)
      throw new LogCorruptionError(missing, 0, `the file is missing between ${segmentName(prefix, number)} and ${next.name}`)
    }
    const found = readHeader(disk, prefix, storeId, number)
    headers.unshift(found)
    if (found.header.isReset) break
  }
  return headers
}

function assertContinues(replay: Replay, { name, header }: FoundHeader): void {
  const { clusterId, hardState, index } = replay.image
  if (header.clusterId !== clusterId) {
    throw new LogCorruptionError(name, 0, `it belongs to cluster ${header.clusterId}, and the segment before it to ${clusterId}`)
  }
  const { last } = index
  const sameState = header.hardState.term === hardState.term && header.hardState.votedFor === hardState.votedFor
  if (!sameState || header.base.index !== last.index || header.base.term !== last.term) {
    throw new LogCorruptionError(
      name,
      0,
      `it does not continue the segment before it, which ends with entry ${last.index} of term ${last.term}`,
    )
  }
}

function load(segment: Segment, header: SegmentHeader): LoadedSegment {
  const bytes = segment.file.readSync(0, header.capacity)
  return { name: segment.name, header, content: segmentBytes(bytes, checksumSeed(header.storeId, header.number)) }
}

function damaged(segment: LoadedSegment, position: number, evidence: string): LogCorruptionError {
  return new LogCorruptionError(segment.name, position, `a record here was synced and does not read back (${evidence})`)
}

function replayMiddle(replay: Replay, segment: LoadedSegment, next: FoundHeader): void {
  const until = next.header.previousSequence
  const { position } = replayFrames(replay, segment, until)
  if (replay.sequence !== until) {
    throw damaged(segment, position, `${next.name} continues after write ${until}, and the last sound one is ${replay.sequence}`)
  }
  assertContinues(replay, next)
}

/** How the last segment ends. */
interface Tail {
  /** What was written last, as it was read: the last frame, and the header with the first one. It begins at `from`. */
  readonly last: Uint8Array
  readonly from: number
  /** Where the sound part ends. */
  readonly position: number
  /** Where the bytes end that are not zero. */
  readonly end: number
  /** Of the last frame. */
  readonly kind: number | undefined
}

function replayLast(replay: Replay, segment: LoadedSegment, prefix: string): Tail {
  const { position, start, kind } = replayFrames(replay, segment, Number.MAX_SAFE_INTEGER)
  if (kind === FRAME_SEAL) {
    const missing = segmentName(prefix, segment.header.number + 1)
    throw new LogCorruptionError(missing, 0, `the file is missing: ${segment.name} ends by saying that it exists`)
  }
  if (kind === undefined && segment.header.opensWithFrame) {
    throw damaged(segment, position, 'it was made durable together with the header of its segment')
  }
  const evidence = findFrame(segment.content, position, replay.sequence + 2)
  if (evidence !== undefined) throw damaged(segment, position, `a later write follows at byte ${evidence}`)
  const from = start === SEGMENT_HEADER_SIZE ? 0 : start
  const { bytes } = segment.content
  return { last: bytes.slice(from, position), from, position, end: endOfContent(bytes, position), kind }
}

/**
 * Makes what was found durable: it may have been in the operating system's memory only, and will be acknowledged from now on. Only
 * the last frame can be so, and it is written again: after a failed sync, Linux keeps what it could not write, readable and
 * counted as written, so that no sync would bring it to the disk. The sync is for a file that somebody has copied here. Then zeros go over a torn tail, so that none of it can ever
 * come back, and a marker behind the last frame.
 */
function settle(segment: Segment, tail: Tail, sequence: number): number {
  segment.file.syncSync()
  const { last, from, position, end, kind } = tail
  segment.file.writeDurablySync(from, last)
  const wantsMarker = kind !== undefined && kind !== FRAME_MARKER && position + FRAME_HEADER_SIZE <= segment.capacity
  const markerSize = wantsMarker ? FRAME_HEADER_SIZE : 0
  const bytes = new Uint8Array(Math.max(end - position, markerSize))
  if (wantsMarker) bytes.set(encodeEmptyFrame(FRAME_MARKER, segment.seed, sequence + 1, position))
  if (bytes.length > 0) segment.file.writeDurablySync(position, bytes)
  return markerSize
}

function removeLeftovers(disk: Disk, prefix: string, numbers: readonly number[], firstKept: number): void {
  // First the names that were found: were a reset's rename lost after the old segments are gone, nothing would be left.
  disk.syncDirectorySync()
  for (const number of numbers) if (number < firstKept) disk.remove(segmentName(prefix, number))
  disk.remove(spareName(prefix))
  disk.syncDirectorySync()
}

function describe({ image, memberships, versions }: Replay, tornBytes: number): RecoveredLog {
  const { index } = image
  const entries = []
  for (let i = index.base.index + 1; i <= index.lastIndex; i++) {
    entries.push({ index: i, term: index.term(i), kind: index.kind(i), size: index.size(i) })
  }
  return {
    clusterId: image.clusterId,
    hardState: image.hardState,
    purged: index.base,
    entries,
    memberships: [...memberships.values()],
    clusterVersion: Math.max(0, ...versions.values()),
    tornBytes,
  }
}

function startReplay({ header }: FoundHeader, ownVersion: number): Replay {
  return {
    image: { clusterId: header.clusterId, hardState: header.hardState, index: new EntryIndex(header.base) },
    memberships: new Map(),
    versions: new Map(),
    exactBase: header.isReset || header.number === 1,
    ownVersion,
    sequence: header.previousSequence,
  }
}

/**
 * Opens the log that is on `disk`.
 * @throws LogCorruptionError naming file and offset when it is damaged; LaterVersion when a record needs a later version; Error when it
 * belongs to another node
 */
export function recoverLog(disk: Disk, { prefix, storeId, ownVersion }: RecoverOptions): RecoveredState {
  const numbers = listSegments(disk, prefix)
  const headers = readHeaders(disk, prefix, storeId, numbers)
  const first = headers[0] as FoundHeader
  const replay = startReplay(first, ownVersion)
  const segments: Segment[] = []
  try {
    let tail: Tail = { last: new Uint8Array(0), from: 0, position: 0, end: 0, kind: undefined }
    for (const [i, { header }] of headers.entries()) {
      const segment = new Segment(disk, prefix, header)
      segments.push(segment)
      const next = headers[i + 1]
      if (next === undefined) tail = replayLast(replay, load(segment, header), prefix)
      else replayMiddle(replay, load(segment, header), next)
    }
    removeLeftovers(disk, prefix, numbers, first.header.number)
    const markerSize = settle(segments.at(-1) as Segment, tail, replay.sequence)
    return {
      image: replay.image,
      segments,
      sequence: replay.sequence + (markerSize > 0 ? 1 : 0),
      position: tail.position + markerSize,
      recovered: describe(replay, tail.end - tail.position),
    }
  } catch (error) {
    for (const segment of segments) segment.close()
    throw error
  }
}

/**
 * The durable Raft log: append-only, preallocated segments over a Disk.
 *
 * Invariants: a write is one frame and one durable write (two frames when it crosses into the next segment, the second
 * begun when the first is durable); a segment gets its name when its header is durable; a byte that was written
 * is never written again. After a failure nothing more is written: a failed sync may have dropped earlier writes.
 */
import { LANGUAGE } from '../../commands/index.ts'
import { assert, fail } from '../../lib/index.ts'
import { FIRST_LOG_SEGMENT_SIZE, LOG_SEGMENT_SIZE } from '../../limits.ts'
import type { Disk, Done, LogBatch, LogStore, RecoveredLog } from '../../ports/index.ts'
import type { Entry, HardState, LogId } from '../../raft/index.ts'
import { createLog } from './create-log.ts'
import { assertTrusted, markDistrusted } from './distrust-mark.ts'
import { FRAME_DATA, FRAME_HEADER_SIZE, FRAME_MARKER, FRAME_SEAL } from './frame.ts'
import { encodeEmptyFrame, FrameEncoder } from './frame-encoder.ts'
import { leastCapacity, planFrames, roomAt } from './frame-plan.ts'
import type { PlannedFrame } from './frame-plan.ts'
import { assertBatchesFollow, lastKept } from './log-image.ts'
import type { LogImage } from './log-image.ts'
import { NextSegment } from './next-segment.ts'
import { readEntries } from './read-entries.ts'
import { recoverLog } from './recover-log.ts'
import type { RecoveredState } from './recover-log.ts'
import { SEGMENT_HEADER_SIZE } from './segment-header.ts'
import { DEFAULT_PREFIX, hasLog } from './segment-name.ts'
import type { Segment } from './segment.ts'

const MIN_SEGMENT_SIZE = 1024

export interface SegmentedLogOptions {
  /** Names this log, as the node's identity does: random hex. Given to a new log; compared with that of an existing one. */
  readonly storeId: string
  /**
   * Bytes preallocated for a segment once the log has grown; LOG_SEGMENT_SIZE when absent. It may differ from one start to the next.
   * The first has FIRST_LOG_SEGMENT_SIZE where that is less, and each next twice as many as the one before.
   */
  readonly segmentSize?: number
  /** What the names of the files begin with; 'log-' when absent. */
  readonly prefix?: string
  /** Runs a completion later when there was nothing to do on the disk; `queueMicrotask` when absent. */
  readonly defer?: (run: () => void) => void
  /** The version of the commands that the reader can apply; this program's when absent. */
  readonly ownVersion?: number
}

/**
 * Opens the log on `disk`, or creates an empty one; `hasLog` tells beforehand which it will be. Synchronous.
 * @throws LogCorruptionError naming file and offset when the log is damaged; DistrustedLogError when it is marked; LaterVersion when it holds what only a later program
 * knows; Error when it is another node's
 */
export function openSegmentedLog(disk: Disk, options: SegmentedLogOptions): SegmentedLog {
  const { storeId, segmentSize = LOG_SEGMENT_SIZE, prefix = DEFAULT_PREFIX, defer = queueMicrotask } = options
  const { ownVersion = LANGUAGE.version } = options
  if (!(segmentSize >= MIN_SEGMENT_SIZE && segmentSize < 0x8000_0000))
    fail(`a log segment of ${segmentSize} bytes is not supported`)
  assertTrusted(disk, prefix)
  if (!hasLog(disk, prefix)) createLog(disk, prefix, storeId, Math.min(segmentSize, FIRST_LOG_SEGMENT_SIZE))
  return new SegmentedLog(
    disk,
    { storeId, segmentSize, prefix, defer, ownVersion },
    recoverLog(disk, { prefix, storeId, ownVersion }),
  )
}

/** Of {@link openSegmentedLog} only. */
export class SegmentedLog implements LogStore {
  readonly storeId: string
  readonly recovered: RecoveredLog
  readonly #disk: Disk
  readonly #prefix: string
  readonly #segmentSize: number
  readonly #defer: (run: () => void) => void
  readonly #image: LogImage
  readonly #encoder = new FrameEncoder()
  readonly #next: NextSegment
  /** By number, in ascending order. */
  readonly #segments: Map<number, Segment>
  /** The segment that takes the appends, and where the next frame goes in it. */
  #active: Segment
  #position: number
  /** Of the last frame. */
  #sequence: number
  /** Entries up to here are durable and may be read. */
  #durableIndex: number
  #cleanEnd: boolean
  #busy = false
  #marking = false
  #closed = false
  #error: Error | undefined
  #whenIdle: (() => void) | undefined

  constructor(disk: Disk, options: Required<SegmentedLogOptions>, state: RecoveredState) {
    this.storeId = options.storeId
    this.recovered = state.recovered
    this.#disk = disk
    this.#prefix = options.prefix
    this.#segmentSize = options.segmentSize
    this.#defer = options.defer
    this.#image = state.image
    this.#next = new NextSegment(disk, options.prefix, options.storeId)
    this.#segments = new Map(state.segments.map((segment) => [segment.number, segment]))
    this.#active = state.segments.at(-1) as Segment
    this.#position = state.position
    this.#sequence = state.sequence
    this.#durableIndex = state.image.index.lastIndex
    this.#cleanEnd = true
  }

  write(batches: readonly LogBatch[], done: Done): void {
    if (this.#refuses(done)) return
    const { clusterId, index } = this.#image
    assertBatchesFollow({ clusterId, purgedIndex: index.base.index, lastIndex: index.lastIndex }, batches)
    const frames = planFrames(batches, roomAt(this.#position, this.#active.capacity), this.#nextCapacity())
    this.#busy = true
    if (frames.length === 0) return this.#defer(() => this.#finish(undefined, done))
    this.#writeFrames(frames, 0, (error) => this.#finish(error, done))
  }

  read(first: number, last: number, maxBytes: number, done: (error: Error | undefined, entries: readonly Entry[]) => void): void {
    if (this.#refuses((error) => done(error, []), true)) return
    const { index } = this.#image
    if (first > last || first <= index.base.index || last > this.#durableIndex)
      fail(`entries ${first} to ${last} cannot be read: durable are ${index.base.index + 1} to ${this.#durableIndex}`)
    readEntries(index, this.#segments, { first, last, maxBytes }, (error, entries) => {
      if (error !== undefined) this.#error ??= error
      done(error, entries)
    })
  }

  purge(index: number, done: (error: Error | undefined, purged: LogId) => void): void {
    const report: Done = (error) => done(error, this.#image.index.base)
    if (this.#refuses(report)) return
    if (!(index <= this.#durableIndex)) fail(`the log cannot be purged up to ${index}: it ends with ${this.#durableIndex}`)
    const removable = this.#removableUpTo(index)
    this.#busy = true
    if (removable.length === 0) return this.#defer(() => this.#finish(undefined, report))
    this.#dropEntriesBefore((removable.at(-1) as Segment).number + 1)
    this.#removeInOrder(removable, 0, (error) => this.#finish(error, report))
  }

  reset(position: LogId, hardState: HardState, clusterId: string, done: Done): void {
    if (this.#refuses(done)) return
    this.#busy = true
    const finish: Done = (error) => this.#finish(error, done)
    const header = {
      clusterId,
      hardState,
      base: position,
      previousSequence: this.#sequence,
      isReset: true,
      opensWithFrame: false,
    }
    this.#next.create(
      this.#active.number + 1,
      { capacity: this.#nextCapacity(), leastCapacity: MIN_SEGMENT_SIZE, header, frame: undefined },
      (error, segment) => {
        if (segment === undefined) return this.#defer(() => finish(error))
        const voided = [...this.#segments.values()]
        this.#image.index.clear(position)
        this.#image.hardState = hardState
        this.#image.clusterId = clusterId
        this.#durableIndex = position.index
        this.#activate(segment, SEGMENT_HEADER_SIZE)
        this.#removeInOrder(voided, 0, finish)
      },
    )
  }

  distrust(reason: string, done: Done): void {
    this.#marking = true
    markDistrusted(this.#disk, this.#prefix, reason, (error) =>
      this.#defer(() => {
        this.#marking = false
        done(error)
        this.#rest()
      }),
    )
  }

  sizeBytes(): number {
    let size = this.#next.sizeBytes()
    for (const segment of this.#segments.values()) size += segment.capacity
    return size
  }

  /** Waits for the operation under way, marks a clean end, and closes the files. */
  close(done: Done): void {
    if (this.#closed) return this.#defer(() => done(this.#error))
    this.#closed = true
    this.#whenIdle = () => this.#shutDown(done)
    this.#rest()
  }

  /** Whether a call cannot be served; it is then answered later with the reason. */
  #refuses(done: Done, isRead = false): boolean {
    const error = this.#error ?? (this.#closed ? new Error('the log is closed') : undefined)
    if (error !== undefined) {
      this.#defer(() => done(error))
      return true
    }
    assert(isRead || !this.#busy, 'the log has a write, purge or reset under way: one at a time')
    return false
  }

  #finish(error: Error | undefined, done: Done): void {
    this.#busy = false
    this.#error ??= error
    if (error === undefined) this.#durableIndex = this.#image.index.lastIndex
    done(error)
    this.#rest()
  }

  #rest(): void {
    if (this.#busy || this.#marking) return
    this.#whenIdle?.()
    this.#whenIdle = undefined
  }

  /** Twice that of the last one, for what is prepared while the rest of that is written must not take long in comparison. */
  #nextCapacity(): number {
    return Math.min(this.#segmentSize, Math.max(FIRST_LOG_SEGMENT_SIZE, 2 * this.#active.capacity))
  }

  #writeFrames(frames: readonly PlannedFrame[], next: number, done: Done): void {
    const frame = frames[next]
    if (frame === undefined) return done()
    const written: Done = (error) => {
      if (error !== undefined) return done(error)
      this.#writeFrames(frames, next + 1, done)
    }
    this.#cleanEnd = false
    if (frame.newCapacity > 0) this.#writeInNewSegment(frame, written)
    else this.#append(frame, written)
  }

  #append(frame: PlannedFrame, done: Done): void {
    const bytes = this.#encode(frame, this.#active, this.#position, 0)
    this.#active.file.writeDurably(this.#position, bytes, done)
    this.#position += bytes.length
    if (this.#position > this.#active.capacity / 2) this.#next.prepare(this.#nextCapacity())
  }

  #writeInNewSegment(frame: PlannedFrame, done: Done): void {
    const { clusterId, hardState, index } = this.#image
    const header = {
      clusterId,
      hardState,
      base: index.last,
      previousSequence: this.#sequence,
      isReset: false,
      opensWithFrame: true,
    }
    const number = this.#active.number + 1
    const encode = (seed: number): Uint8Array => this.#encode(frame, { number, seed }, SEGMENT_HEADER_SIZE, SEGMENT_HEADER_SIZE)
    const sealSequence = this.#sequence + 1
    const wanted = { capacity: frame.newCapacity, leastCapacity: leastCapacity(frame.size), header, frame: encode }
    this.#next.create(number, wanted, (error, segment, end) => {
      if (segment === undefined) return this.#defer(() => done(error))
      const [sealed, sealPosition] = [this.#active, this.#position]
      this.#activate(segment, end)
      if (sealPosition + FRAME_HEADER_SIZE > sealed.capacity) return done()
      sealed.file.writeDurably(sealPosition, encodeEmptyFrame(FRAME_SEAL, sealed.seed, sealSequence, sealPosition), done)
    })
  }

  #activate(segment: Segment, position: number): void {
    this.#segments.set(segment.number, segment)
    this.#active = segment
    this.#position = position
    this.#cleanEnd = position === SEGMENT_HEADER_SIZE
  }

  /** Encodes a frame and brings the image up to date; should the write fail, nothing reads the image any more. */
  #encode(
    frame: PlannedFrame,
    segment: { readonly number: number; readonly seed: number },
    position: number,
    prefix: number,
  ): Uint8Array {
    const { index } = this.#image
    this.#encoder.begin(segment.seed, frame.size, prefix)
    for (const batch of frame.batches) {
      if (batch.clusterId !== undefined) this.#encoder.clusterId((this.#image.clusterId = batch.clusterId))
      if (batch.hardState !== undefined) this.#encoder.hardState((this.#image.hardState = batch.hardState))
      if (batch.truncateFrom !== undefined) this.#encodeTruncation(batch.truncateFrom)
      for (const entry of batch.entries) {
        const { term, kind, payload } = entry
        const place = { segment: segment.number, position: position + this.#encoder.entry(entry) }
        index.append({ index: entry.index, term, kind, size: payload.length }, place)
      }
    }
    this.#sequence++
    return this.#encoder.finish(FRAME_DATA, this.#sequence, position)
  }

  #encodeTruncation(truncateFrom: number): void {
    const { index } = this.#image
    const kept = lastKept(index, truncateFrom) ?? index.last
    this.#encoder.truncate(kept)
    index.truncateAfter(kept.index)
    this.#durableIndex = Math.min(this.#durableIndex, kept.index)
  }

  /** Segments before the active one, from the first, whose entries are all at or before `index`. */
  #removableUpTo(index: number): Segment[] {
    const { index: entries } = this.#image
    const firstWanted = Math.max(index, entries.base.index) + 1
    const kept = entries.holds(firstWanted) ? entries.segment(firstWanted) : this.#active.number
    return [...this.#segments.values()].filter((segment) => segment.number < kept)
  }

  #dropEntriesBefore(segmentNumber: number): void {
    const { index } = this.#image
    let first = index.base.index + 1
    while (index.holds(first) && index.segment(first) < segmentNumber) first++
    index.dropThrough(first - 1)
  }

  /** One at a time, each removal durable before the next: a gap between segments would look like a lost file. */
  #removeInOrder(segments: readonly Segment[], next: number, done: Done): void {
    const segment = segments[next]
    if (segment === undefined) return done()
    try {
      this.#segments.delete(segment.number)
      this.#disk.remove(segment.name)
      segment.close()
      this.#disk.syncDirectory((error) => {
        if (error !== undefined) done(error)
        else this.#removeInOrder(segments, next + 1, done)
      })
    } catch (error) {
      this.#defer(() => done(error as Error))
    }
  }

  #shutDown(done: Done): void {
    this.#next.close(() => {
      const closeFiles: Done = (error) => {
        this.#error ??= error
        for (const segment of this.#segments.values()) segment.close()
        done(this.#error)
      }
      const { file, capacity, seed } = this.#active
      if (this.#error !== undefined || this.#cleanEnd || this.#position + FRAME_HEADER_SIZE > capacity) {
        return this.#defer(() => closeFiles())
      }
      file.writeDurably(this.#position, encodeEmptyFrame(FRAME_MARKER, seed, this.#sequence + 1, this.#position), closeFiles)
    })
  }
}

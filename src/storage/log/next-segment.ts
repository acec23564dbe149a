import type { Disk, DiskFile } from '../../ports/index.ts'
import { openPatiently } from '../disk/index.ts'
import { checksumSeed } from './frame.ts'
import { encodeSegmentHeader, SEGMENT_HEADER_SIZE } from './segment-header.ts'
import type { SegmentHeader } from './segment-header.ts'
import { segmentName } from './segment-name.ts'
import { Segment } from './segment.ts'
import { SpareSegment } from './spare-segment.ts'

export interface NewSegment {
  /** Bytes that the segment is to have, and those that it must have: where space is short it gets fewer than wanted. */
  readonly capacity: number
  readonly leastCapacity: number
  readonly header: Omit<SegmentHeader, 'number' | 'storeId' | 'capacity'>
  /** Encodes the first frame behind 512 free bytes, given the seed of the segment's checksums; undefined for none. */
  readonly frame: ((seed: number) => Uint8Array) | undefined
}

/** `end` is the position behind what was written. */
type Created = (error: Error | undefined, segment: Segment | undefined, end: number) => void

/** Makes segments from preallocated files. */
export class NextSegment {
  readonly #disk: Disk
  readonly #prefix: string
  readonly #storeId: string
  readonly #spare: SpareSegment

  constructor(disk: Disk, prefix: string, storeId: string) {
    this.#disk = disk
    this.#prefix = prefix
    this.#storeId = storeId
    this.#spare = new SpareSegment(disk, prefix)
  }

  /** Preallocates a file in the background, unless there is one. */
  prepare(capacity: number): void {
    this.#spare.prepare(capacity)
  }

  sizeBytes(): number {
    return this.#spare.sizeBytes()
  }

  close(closed: () => void): void {
    this.#spare.close(closed)
  }

  /** Creates segment `number`: header and first frame become durable, then the name does. */
  create(number: number, wanted: NewSegment, created: Created): void {
    this.#spare.take(wanted.capacity, wanted.leastCapacity, (error, file, capacity = 0) => {
      if (file === undefined) return created(error, undefined, 0)
      const bytes = wanted.frame?.(checksumSeed(this.#storeId, number)) ?? new Uint8Array(SEGMENT_HEADER_SIZE)
      encodeSegmentHeader(bytes, { ...wanted.header, number, storeId: this.#storeId, capacity })
      file.writeDurably(0, bytes, (writeError) => {
        if (writeError !== undefined) return created(writeError, undefined, 0)
        this.#name(file, { number, capacity, end: bytes.length }, created)
      })
    })
  }

  #name(file: DiskFile, made: { number: number; capacity: number; end: number }, created: Created): void {
    try {
      file.close()
      this.#disk.rename(this.#spare.name, segmentName(this.#prefix, made.number))
    } catch (error) {
      return created(error as Error, undefined, 0)
    }
    openPatiently(
      () => new Segment(this.#disk, this.#prefix, { ...made, storeId: this.#storeId }),
      (failure, segment) => {
        if (segment === undefined) return created(failure, undefined, 0)
        this.#syncName(segment, made.end, created)
      },
    )
  }

  #syncName(segment: Segment, end: number, created: Created): void {
    const failed = (error: Error): void => {
      segment.close()
      created(error, undefined, 0)
    }
    try {
      this.#disk.syncDirectory((error) => {
        if (error === undefined) created(undefined, segment, end)
        else failed(error)
      })
    } catch (error) {
      failed(error as Error)
    }
  }
}

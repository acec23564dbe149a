/**
 * The file that will become the next segment: zeros, written and synced in the background, so that an append never
 * changes a file's size or allocates blocks, which would make its sync several times dearer. Whatever a crash
 * leaves of it is worthless: a segment counts only under its own name, which it gets once its header is durable.
 */
import { assert } from '../../lib/index.ts'
import type { Disk, DiskFile, Done } from '../../ports/index.ts'
import { isDescriptorShortage, isVolumeFull, openPatiently } from '../disk/index.ts'
import { spareName } from './segment-name.ts'

/** Bytes of one sync: one of a whole segment would hold up the appends beside it. */
const SYNC_SIZE = 1024 * 1024
/**
 * Bytes of one write. A file system may keep them as one piece in its cache, as ext4 does, and look through the whole of a piece
 * whenever a few bytes of it are written: with pieces of 1 MiB each append took 4 to 9 us longer.
 */
const PIECE_SIZE = 256 * 1024
const ZEROS = new Uint8Array(PIECE_SIZE)

/** A whole segment is taken where as much again is left: the state is written to the same volume meanwhile. */
const ROOM_FACTOR = 2

/** How much of what is left a segment may take on a volume that has no room for a whole one. */
const SHARE_OF_LAST_SPACE = 0.25

type Taken = (error: Error | undefined, file?: DiskFile, capacity?: number) => void

export class SpareSegment {
  readonly name: string
  readonly #disk: Disk
  #file: DiskFile | undefined
  #capacity = 0
  #state: 'none' | 'preparing' | 'ready' | 'failed' = 'none'
  #error: Error | undefined
  /** Somebody needs it, and it is as large as can be had. */
  #isLastTry = false
  #closing = false
  /** Who waits for the end of the preparation: at most a roll or reset, and a close. */
  readonly #waiting: (() => void)[] = []

  constructor(disk: Disk, prefix: string) {
    this.#disk = disk
    this.name = spareName(prefix)
  }

  /** Bytes it takes on the disk. */
  sizeBytes(): number {
    return this.#state === 'none' ? 0 : this.#capacity
  }

  /**
   * Starts preparing unless that has been done. A failure is reported by the next {@link SpareSegment.take}. What does
   * not fit is not begun, for it would take the space that others still write to: a later call tries again.
   */
  prepare(capacity: number): void {
    if (this.#state !== 'none') return
    try {
      if (this.#disk.space().freeBytes < capacity * ROOM_FACTOR) return
      this.#isLastTry = false
      this.#begin(capacity)
    } catch (error) {
      this.#end(error as Error)
    }
  }

  /** What is left of a full volume is shared with the others who write to it. */
  #beginForTaker(capacity: number, least: number): void {
    try {
      const { freeBytes } = this.#disk.space()
      this.#isLastTry = true
      this.#begin(freeBytes >= capacity * ROOM_FACTOR ? capacity : Math.max(least, Math.floor(freeBytes * SHARE_OF_LAST_SPACE)))
    } catch (error) {
      this.#end(error as Error)
    }
  }

  #begin(capacity: number): void {
    this.#state = 'preparing'
    this.#capacity = capacity
    openPatiently(
      () => this.#open(),
      (error, file) => {
        if (file === undefined) return this.#end(error)
        this.#file = file
        try {
          this.#fill(file, 0)
        } catch (failure) {
          this.#end(failure as Error)
        }
      },
    )
  }

  #open(): DiskFile {
    // Who closes the log does not wait for descriptors.
    assert(!this.#closing, 'the log is being closed')
    this.#disk.remove(this.name)
    return this.#disk.open(this.name)
  }

  /**
   * Hands over a file of `capacity` zeros, waiting for it or preparing it when necessary. One that was prepared for
   * another size will do when it has `least`, and so will less than `capacity` on a volume that is nearly full.
   */
  take(capacity: number, least: number, taken: Taken): void {
    if (this.#state === 'ready' && this.#capacity < least) this.#discard()
    if (this.#state === 'failed') return taken(this.#error)
    const file = this.#file
    if (this.#state === 'ready' && file !== undefined) {
      this.#state = 'none'
      this.#file = undefined
      return taken(undefined, file, this.#capacity)
    }
    this.#waiting.push(() => this.take(capacity, least, taken))
    if (this.#state === 'none') this.#beginForTaker(capacity, least)
  }

  /** Waits for what is under way, then lets go of the file. */
  close(closed: () => void): void {
    this.#closing = true
    if (this.#state === 'preparing') {
      this.#waiting.push(() => this.close(closed))
      return
    }
    if (this.#state !== 'none') this.#discard()
    closed()
  }

  #discard(): void {
    this.#file?.close()
    this.#file = undefined
    this.#state = 'none'
  }

  #fill(file: DiskFile, position: number): void {
    if (position >= this.#capacity) return this.#end(undefined)
    const end = Math.min(position + SYNC_SIZE, this.#capacity)
    const written: Done = (error) => {
      if (error === undefined) file.sync(synced)
      else this.#end(error)
    }
    const synced: Done = (error) => {
      if (error === undefined) this.#fill(file, end)
      else this.#end(error)
    }
    writeZeros(file, position, end, written)
  }

  #end(error: Error | undefined): void {
    this.#state = error === undefined ? 'ready' : 'failed'
    this.#error = error
    if (isVolumeFull(error)) this.#giveSpaceBack()
    // Nobody needs it yet: when somebody does it is tried for once more.
    if (isDescriptorShortage(error) && this.#waiting.length === 0) this.#state = 'none'
    for (const waiting of this.#waiting.splice(0)) waiting()
  }

  /** Nothing depends on what was written so far. A smaller file may still fit, once somebody needs one. */
  #giveSpaceBack(): void {
    try {
      this.#file?.close()
      this.#file = undefined
      this.#disk.remove(this.name)
      if (!this.#isLastTry) this.#state = 'none'
    } catch (error) {
      // It stays failed, and whoever takes it hears of what is worse than a full volume.
      this.#error = error as Error
    }
  }
}

/**
 * All pieces at the same time, since each takes a turn of the event loop to come back: a busy node has long ones, and its log waits
 * for the segment. `done` when the last has come back.
 */
function writeZeros(file: DiskFile, start: number, end: number, done: Done): void {
  let left = Math.ceil((end - start) / PIECE_SIZE)
  let failure: Error | undefined
  for (let at = start; at < end; at += PIECE_SIZE) {
    file.write(at, ZEROS.subarray(0, Math.min(PIECE_SIZE, end - at)), (error) => {
      failure ??= error
      if (--left === 0) done(failure)
    })
  }
}

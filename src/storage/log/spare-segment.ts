/**
 * The file that will become the next segment: zeros, written and synced in the background, so that an append never
 * changes a file's size or allocates blocks, which would make its sync several times dearer. Whatever a crash
 * leaves of it is worthless: a segment counts only under its own name, which it gets once its header is durable.
 */
import type { Disk, DiskFile, Done } from '../../ports/index.ts'
import { spareName } from './segment-name.ts'

/** Written and synced piece by piece: one sync of a whole segment would hold up the appends beside it. */
const CHUNK_SIZE = 1024 * 1024

type Taken = (error: Error | undefined, file?: DiskFile, capacity?: number) => void

export class SpareSegment {
  readonly name: string
  readonly #disk: Disk
  #file: DiskFile | undefined
  #capacity = 0
  #state: 'none' | 'preparing' | 'ready' | 'failed' = 'none'
  #error: Error | undefined
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

  /** Starts preparing unless that has been done. A failure is reported by the next {@link SpareSegment.take}. */
  prepare(capacity: number): void {
    if (this.#state !== 'none') return
    this.#state = 'preparing'
    this.#capacity = capacity
    try {
      this.#disk.remove(this.name)
      this.#file = this.#disk.open(this.name)
      this.#fill(this.#file, 0)
    } catch (error) {
      this.#end(error as Error)
    }
  }

  /** Hands over a file of at least `capacity` zeros, waiting for it or preparing it when necessary. */
  take(capacity: number, taken: Taken): void {
    if (this.#state === 'ready' && this.#capacity < capacity) this.#discard()
    if (this.#state === 'failed') return taken(this.#error)
    const file = this.#file
    if (this.#state === 'ready' && file !== undefined) {
      this.#state = 'none'
      this.#file = undefined
      return taken(undefined, file, this.#capacity)
    }
    this.#waiting.push(() => this.take(capacity, taken))
    this.prepare(capacity)
  }

  /** Waits for what is under way, then lets go of the file. */
  close(closed: () => void): void {
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
    const next: Done = (error) => {
      if (error === undefined) this.#fill(file, position + CHUNK_SIZE)
      else this.#end(error)
    }
    file.write(position, new Uint8Array(Math.min(CHUNK_SIZE, this.#capacity - position)), (error) => {
      if (error === undefined) file.sync(next)
      else this.#end(error)
    })
  }

  #end(error: Error | undefined): void {
    this.#state = error === undefined ? 'ready' : 'failed'
    this.#error = error
    for (const waiting of this.#waiting.splice(0)) waiting()
  }
}

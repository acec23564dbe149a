import type { Disk, DiskFile } from '../../ports/index.ts'
import { checksumSeed } from './frame.ts'
import { segmentName } from './segment-name.ts'

/** One open segment file. Removing it waits for nobody; closing it waits for the reads under way. */
export class Segment {
  readonly number: number
  readonly name: string
  readonly file: DiskFile
  /** Size of the file in bytes. */
  readonly capacity: number
  /** Where the checksums in this file start from. */
  readonly seed: number
  #readers = 0
  #closing = false

  constructor(
    disk: Disk,
    prefix: string,
    identity: { readonly number: number; readonly storeId: string; readonly capacity: number },
  ) {
    this.number = identity.number
    this.name = segmentName(prefix, identity.number)
    this.file = disk.open(this.name)
    this.capacity = identity.capacity
    this.seed = checksumSeed(identity.storeId, identity.number)
  }

  acquire(): void {
    this.#readers++
  }

  release(): void {
    this.#readers--
    if (this.#closing && this.#readers === 0) this.file.close()
  }

  close(): void {
    this.#closing = true
    if (this.#readers === 0) this.file.close()
  }
}

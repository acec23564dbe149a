/** A snapshot of this node's own state while it is written, under a temporary name. */
import type { Disk, DiskFile, Done, StoredSnapshot } from '../../ports/index.ts'
import { attempt, publishFile } from './publish-file.ts'
import { StateError } from '../state/index.ts'

export class LocalSnapshot {
  readonly name: string
  readonly #disk: Disk
  readonly #file: DiskFile
  readonly #installed: (stored: StoredSnapshot) => void
  #position = 0

  /** `installed` is called when the snapshot is durable under its final name, before the caller of `finish` hears of it. */
  constructor(disk: Disk, name: string, installed: (stored: StoredSnapshot) => void) {
    this.name = name
    this.#disk = disk
    this.#installed = installed
    this.#file = disk.open(name)
  }

  /** Appends a chunk. Whoever can reach the file by its path may write it there instead. */
  write(bytes: Uint8Array, done: Done): void {
    const position = this.#position
    this.#position += bytes.length
    this.#file.write(position, bytes, done)
  }

  /** Makes the file durable under the snapshot's name. */
  finish(stored: StoredSnapshot, done: (error: Error | undefined, stored?: StoredSnapshot) => void): void {
    const size = this.#file.size()
    if (size !== stored.sizeBytes) {
      const problem = `snapshot file ${this.name} has ${size} bytes, ${stored.sizeBytes} were written`
      return this.abort(new StateError('CORRUPT', this.name, problem), done)
    }
    publishFile(this.#disk, this.#file, stored.id, (error) => {
      if (error !== undefined) return done(error)
      if (attempt(() => this.#installed(stored), done)) done(undefined, stored)
    })
  }

  /** Deletes the file, and reports why. */
  abort(reason: Error, done: Done): void {
    const removed = attempt(() => {
      this.#file.close()
      this.#disk.remove(this.name)
    }, done)
    if (removed) done(reason)
  }
}

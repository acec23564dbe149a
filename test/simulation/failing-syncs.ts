/**
 * Syncs that fail, as those of Linux do: what was written stays readable in the page cache, is not on the medium, and no later
 * sync brings it there.
 */
import type { Disk, DiskFile } from '../../src/ports/index.ts'

export class FailingSyncs {
  /** The next durable write fails, once. */
  failNext = false
  /** How many have failed. */
  failures = 0
  /** Durable writes take until they are released. */
  holding = false
  readonly #held: (() => void)[] = []
  readonly #errors = new Set<Error>()

  /** What was held is durable now. */
  release(): void {
    this.holding = false
    for (const go of this.#held.splice(0)) go()
  }

  /** Whether it is one of these failures that ended a process, and nothing that broke by itself. */
  caused(error: Error): boolean {
    return this.#errors.has(error) || (error.cause instanceof Error && this.caused(error.cause))
  }

  mount(disk: Disk): Disk {
    return { ...disk, open: (name) => this.#watch(disk.open(name)) }
  }

  #watch(file: DiskFile): DiskFile {
    return {
      ...file,
      writeDurably: (position, bytes, done) => {
        if (this.holding) {
          this.#held.push(() => file.writeDurably(position, bytes, done))
          return
        }
        if (!this.failNext) {
          file.writeDurably(position, bytes, done)
          return
        }
        this.failNext = false
        this.failures++
        const error = new Error(`EIO: i/o error, fdatasync ${file.name}`)
        this.#errors.add(error)
        file.write(position, bytes, () => done(error))
      },
    }
  }
}

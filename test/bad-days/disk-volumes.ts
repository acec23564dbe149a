/** Small volumes of their own, mounted for one test: they can be filled, freed and frozen. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MIB = 1024 * 1024
const FILLER = 'filler'
const COMMAND_TIMEOUT_MS = 20_000

/** This machine does not let the test mount anything. The test fails: whoever runs it should know what was not tried. */
class MountRefused extends Error {
  override readonly name = 'MountRefused'

  constructor(command: string, reason: string) {
    super(`${command}: ${reason}. This test mounts small volumes: run it as root, with the right to mount (CAP_SYS_ADMIN)`)
  }
}

function run(program: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: COMMAND_TIMEOUT_MS })
  if (status !== 0) throw new MountRefused([program, ...args].join(' '), error?.message ?? stderr.trim())
}

export class Volume {
  readonly directory: string
  #frozen = false

  constructor(directory: string) {
    this.directory = directory
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.directory)
    return bavail * bsize
  }

  /** As df counts. */
  get usedPercent(): number {
    const { bavail, bfree, blocks } = statfsSync(this.directory)
    return (100 * (blocks - bfree)) / (blocks - bfree + bavail)
  }

  /** Takes all space but `leaveBytes`. */
  fill(leaveBytes = 0): void {
    this.free()
    const path = join(this.directory, FILLER)
    for (let left = this.freeBytes - leaveBytes; left > 0; left = this.freeBytes - leaveBytes) {
      try {
        writeFileSync(path, new Uint8Array(Math.min(left, MIB)), { flag: 'a' })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        return
      }
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(join(this.directory, FILLER), { force: true })
  }

  /** Whoever writes to it waits, from now until `thaw`. */
  freeze(): void {
    run('fsfreeze', '--freeze', this.directory)
    this.#frozen = true
  }

  thaw(): void {
    if (!this.#frozen) return
    run('fsfreeze', '--unfreeze', this.directory)
    this.#frozen = false
  }
}

/** The volumes of one test. */
export class Volumes {
  readonly #root = mkdtempSync(join(tmpdir(), 'aspen-volumes-'))
  readonly #mounted: Volume[] = []
  readonly #onExit = (): void => this.unmount()

  constructor() {
    // Also when the test fails in a way that runs no more of it.
    process.once('exit', this.#onExit)
  }

  /** A folder that is no mount by itself; those of a node can be mounted in it. */
  folder(name: string): string {
    const path = join(this.#root, name)
    mkdirSync(path, { recursive: true })
    return path
  }

  /** In memory. @throws MountRefused */
  tmpfs(name: string, sizeBytes: number): Volume {
    const path = this.folder(name)
    run('mount', '-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', path)
    return this.#add(path)
  }

  /** An ext4 file system in a file. @throws MountRefused */
  ext4(name: string, sizeBytes: number): Volume {
    const path = this.folder(name)
    const image = `${path.replaceAll('/', '-').slice(1)}.image`
    const file = join(this.#root, image)
    writeFileSync(file, '')
    truncateSync(file, sizeBytes)
    run('mkfs.ext4', '-q', '-F', file)
    run('mount', '-o', 'loop', file, path)
    return this.#add(path)
  }

  /** Whatever was mounted last goes first. */
  unmount(): void {
    process.off('exit', this.#onExit)
    for (const volume of this.#mounted.splice(0).reverse()) {
      volume.thaw()
      // Lazily: a process that a failed test left behind must not keep it mounted for ever.
      run('umount', '--lazy', volume.directory)
    }
    rmSync(this.#root, { recursive: true, force: true })
  }

  #add(path: string): Volume {
    const volume = new Volume(path)
    this.#mounted.push(volume)
    return volume
  }
}

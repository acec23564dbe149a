/** Files that others replace while the node runs, by renames and links as well: they are looked at again and again. */
import type { Clock, Timer } from '../../ports/index.ts'
import { readSmallFileLater } from './small-file.ts'

const LOOK_MS = 1_000

export interface WatchedFilesOptions {
  readonly paths: readonly string[]
  readonly clock: Clock
  /** What was read when the watch began. */
  readonly texts: readonly string[]
  /** Takes what is there now, all of it read within one look. What it throws, `failed` hears, once for the same content. */
  readonly changed: (texts: readonly string[]) => void
  readonly failed: (error: Error) => void
}

/** Looks once a second, at most one look at a time: a file system that hangs holds up this alone. */
export class WatchedFiles {
  readonly #options: WatchedFilesOptions
  #last: string
  #timer: Timer | null = null
  #stopped = false

  constructor(options: WatchedFilesOptions) {
    this.#options = options
    this.#last = JSON.stringify(options.texts)
    this.#lookLater()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #lookLater(): void {
    if (this.#stopped) return
    this.#timer = this.#options.clock.setTimer(LOOK_MS, () => {
      const goOn = (): void => this.#lookLater()
      this.#look().then(goOn, goOn)
    })
  }

  async #look(): Promise<void> {
    const { paths, changed, failed } = this.#options
    let texts: readonly string[]
    try {
      texts = await Promise.all(paths.map((path) => readSmallFileLater(path)))
    } catch (error) {
      // Said again only when it was there in between, or another error is met.
      this.#news(`error ${String((error as NodeJS.ErrnoException).code)}`, () => failed(error as Error))
      return
    }
    if (this.#stopped) return
    this.#news(JSON.stringify(texts), () => {
      try {
        changed(texts)
      } catch (error) {
        failed(error as Error)
      }
    })
  }

  #news(found: string, tell: () => void): void {
    if (found === this.#last) return
    this.#last = found
    tell()
  }
}

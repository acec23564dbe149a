import { writeFileAtomically } from '../identity/index.ts'

/** Between two writes, so that what changes all the time does not keep the disk busy. */
const WRITE_INTERVAL_MS = 1_000

/**
 * A file that is written anew, whole, in the background; what changes during a write is written together a second after it. A write that fails
 * is reported, and the next change writes again.
 */
export class BackgroundFile {
  readonly #path: string
  readonly #onError: (error: Error) => void
  #next: (() => string) | null = null
  #saving: Promise<void> | null = null
  /** Ends the pause between two writes. */
  #hurry: (() => void) | null = null
  #isWaitedFor = false

  constructor(path: string, onError: (error: Error) => void) {
    this.#path = path
    this.#onError = onError
  }

  /** @param text asked for when it is written */
  save(text: () => string): void {
    this.#next = text
    this.#saving ??= this.#write()
  }

  /** Resolves when everything that was to be written by now is, or has failed to be. */
  async saved(): Promise<void> {
    this.#isWaitedFor = true
    this.#hurry?.()
    await this.#saving
    this.#isWaitedFor = false
  }

  async #write(): Promise<void> {
    for (let next = this.#take(); next !== null; next = this.#take()) {
      try {
        await writeFileAtomically(this.#path, next())
      } catch (error) {
        this.#onError(error as Error)
      }
      if (this.#next !== null && !this.#isWaitedFor) await this.#pause()
    }
    this.#saving = null
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, WRITE_INTERVAL_MS)
      this.#hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #take(): (() => string) | null {
    const next = this.#next
    this.#next = null
    return next
  }
}

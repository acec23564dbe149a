/** Lines out of this process, to a reader who may be slow, asleep or gone: nobody here ever waits for it. */

/** Takes bytes without waiting, and says how many it took: 0 when there is no room now. Throws when there never will be for these. */
export type TakeBytes = (bytes: Uint8Array) => number

/** What may wait for the reader; further lines are dropped. */
const MAX_WAITING_BYTES = 1024 * 1024
/** How often a reader who has fallen behind is looked at, in milliseconds. */
const RETRY_MS = 50
/** The same at the end of the process, where nothing else is left to do. */
const FLUSH_STEP_MS = 5

export class OutputChannel {
  readonly isTerminal: boolean
  readonly #take: TakeBytes
  readonly #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #unsaid = 0
  #onDrop: () => void = () => undefined
  #onFlowing: (dropped: number) => void = () => undefined
  #timer: NodeJS.Timeout | null = null

  constructor(take: TakeBytes, isTerminal = false) {
    this.#take = take
    this.isTerminal = isTerminal
  }

  /** Called for each line that is dropped. */
  onDrop(handler: () => void): void {
    this.#onDrop = handler
  }

  /** Called once lines flow again, with how many were dropped before. */
  onFlowing(handler: (dropped: number) => void): void {
    this.#onFlowing = handler
  }

  /** A line with its end. Lines leave in the order they came in, or not at all. */
  write(line: string): void {
    const bytes = Buffer.from(line)
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) return this.#drop()
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    // Behind others it could not leave before them.
    if (this.#timer === null) this.#send()
  }

  /** For the end of the process: waits until all has left, `graceMs` milliseconds at most. */
  flush(graceMs: number): void {
    const deadline = performance.now() + graceMs
    this.#send()
    while (this.#waitingBytes > 0 && performance.now() < deadline) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FLUSH_STEP_MS)
      this.#send()
    }
  }

  #drop(): void {
    this.#unsaid++
    this.#onDrop()
  }

  #send(): void {
    clearTimeout(this.#timer ?? undefined)
    this.#timer = null
    let flows = false
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const taken = this.#taken(next)
      flows = taken !== undefined
      this.#waitingBytes -= taken ?? next.length
      if (taken !== undefined && taken < next.length) {
        this.#waiting[0] = next.subarray(taken)
        this.#timer = setTimeout(() => this.#send(), RETRY_MS).unref()
        return
      }
      this.#waiting.shift()
    }
    if (flows) this.#sayDropped()
  }

  #sayDropped(): void {
    if (this.#unsaid === 0) return
    const dropped = this.#unsaid
    this.#unsaid = 0
    this.#onFlowing(dropped)
  }

  /** A line that cannot be written at all, to a reader who is gone or on a full disk, is dropped; the next may find another reader. */
  #taken(bytes: Uint8Array): number | undefined {
    try {
      return this.#take(bytes)
    } catch {
      this.#drop()
      return undefined
    }
  }
}

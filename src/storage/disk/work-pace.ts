/**
 * How long work in the worker leaves room for the writes beside it. A disk that is handed a hundred megabytes to sync at
 * once keeps the log waiting until it is done, and a thread that never rests takes its share of the cores from those
 * that answer.
 */

/** Bytes written between two syncs: little enough that a log's own sync behind it waits for milliseconds. */
export const SYNC_STEP_BYTES: number = 4 * 1024 * 1024
/** Rest after work, as a share of the time that the work took. */
const REST_SHARE = 0.5
/** Work stalled by something else, a slow disk say, is no reason to rest for long. */
const MAX_REST_MS = 50

const never = new Int32Array(new SharedArrayBuffer(4))

export class WorkPace {
  readonly #sync: () => void
  #unsynced = 0
  #resumedAt = performance.now()

  /** `sync` makes what was written so far durable. */
  constructor(sync: () => void) {
    this.#sync = sync
  }

  /** To be called after every chunk of work: blocks the thread for a moment. */
  advance(bytes: number): void {
    this.#unsynced += bytes
    if (this.#unsynced >= SYNC_STEP_BYTES) {
      this.#sync()
      this.#unsynced = 0
    }
    const workedMs = performance.now() - this.#resumedAt
    Atomics.wait(never, 0, 0, Math.min(MAX_REST_MS, workedMs * REST_SHARE))
    this.#resumedAt = performance.now()
  }
}

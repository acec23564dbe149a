/** How far the threads of a campaign are, and which seed is to be named when some fail. */
import type { FailedRun } from './run.ts'

/**
 * A thread stops at a seed that fails. The others go on while they are at lower seeds: the one that is named is the lowest that
 * fails, whichever thread was faster.
 */
export class ThreadProgress {
  readonly #stride: number
  /** The seed that each thread is at; a thread that has ended is not in it. */
  readonly #at: Map<number, number>
  #lowest: FailedRun | null = null

  /** @param firstSeeds of the threads, which are known by their places in it */
  constructor(firstSeeds: readonly number[], stride: number) {
    this.#stride = stride
    this.#at = new Map(firstSeeds.entries())
  }

  /** Whether no thread can find a lower seed that fails. */
  get isOver(): boolean {
    const { lowest } = this
    return [...this.#at.values()].every((seed) => lowest !== null && seed > lowest.seed)
  }

  /** What failed under the lowest seed so far. */
  get lowest(): FailedRun | null {
    return this.#lowest
  }

  passed(thread: number, seed: number): void {
    this.#at.set(thread, seed + this.#stride)
  }

  failed(thread: number, failure: FailedRun): void {
    this.#at.delete(thread)
    if (this.#lowest === null || failure.seed < this.#lowest.seed) this.#lowest = failure
  }

  /** @throws Error when the thread had not done its seeds: those that are left would pass for clean */
  ended(thread: number, exitCode: number): void {
    const seed = this.#at.get(thread)
    this.#at.delete(thread)
    if (seed === undefined || exitCode === 0) return
    const why = exitCode === UNSETTLED ? ': the run waits for a promise that nothing settles' : ''
    throw new Error(`seed ${seed}: its thread has ended with exit code ${exitCode}${why}`)
  }
}

/** Node's exit code when nothing is left to happen and the program still waits. */
const UNSETTLED = 13

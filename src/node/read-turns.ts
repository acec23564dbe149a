import { AspenError } from '../api/index.ts'
import type { KeyValue } from '../api/index.ts'
import { Deque } from '../lib/index.ts'
import { MAX_PENDING_READS, MAX_READ_BYTES_A_TURN } from '../limits.ts'
import type { Clock } from '../ports/index.ts'

/** What an entry costs beside its bytes. */
const ENTRY_COST = 128

interface Waiting {
  readonly deadline: number
  readonly run: () => void
  readonly refuse: (error: AspenError) => void
}

/**
 * Reads of the state that were confirmed together are not all carried out together: a thousand pages of a thousand keys take
 * seconds. What finds no time in this turn waits for the next, in order.
 */
export class ReadTurns {
  readonly #clock: Pick<Clock, 'now' | 'defer'>
  readonly #waiting = new Deque<Waiting>()
  #spent = 0
  #counting = false

  constructor(clock: Pick<Clock, 'now' | 'defer'>) {
    this.#clock = clock
  }

  /** Reads now, or later, or is refused: when too many wait, or the deadline passes. */
  read<T>(deadline: number, read: () => T, found: (result: T) => Iterable<KeyValue>): T | Promise<T> {
    const perform = (): T => {
      const result = read()
      for (const { key, value } of found(result)) this.#spent += ENTRY_COST + key.length + value.length
      return result
    }
    this.#count()
    if (this.#waiting.length === 0 && this.#spent < MAX_READ_BYTES_A_TURN) return perform()
    if (this.#waiting.length >= MAX_PENDING_READS) throw overloaded(`${this.#waiting.length} confirmed reads wait for their turn`)
    return new Promise<T>((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(perform())
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      this.#waiting.push({ deadline, run, refuse: reject })
    })
  }

  #count(): void {
    if (this.#counting) return
    this.#counting = true
    this.#clock.defer(() => this.#nextTurn())
  }

  #nextTurn(): void {
    this.#counting = false
    this.#spent = 0
    if (this.#waiting.length === 0) return
    this.#count()
    const now = this.#clock.now()
    while (this.#spent < MAX_READ_BYTES_A_TURN) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      if (next.deadline >= now) next.run()
      else next.refuse(overloaded('the read found no time before its deadline'))
    }
  }
}

function overloaded(why: string): AspenError {
  return new AspenError('OVERLOADED', `${why}; try again later`, { queue: 'read_turns' })
}

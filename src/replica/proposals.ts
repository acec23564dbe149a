import type { WriteResult } from '../api/index.ts'
import { AspenError } from '../api/index.ts'
import { MAX_PROPOSAL_BYTES, MAX_PROPOSALS } from '../limits.ts'
import type { LogId } from '../raft/index.ts'
import type { Reply } from './options.ts'

interface Waiter {
  readonly term: number
  readonly bytes: number
  readonly deadline: number
  readonly reply: Reply<WriteResult>
}

/**
 * Who waits for which log entry. The outcome is decided by what is applied at that index, and by nothing else:
 * losing leadership alone says nothing about an entry that is in other logs.
 */
export class Proposals {
  readonly #waiters = new Map<number, Waiter[]>()
  #count = 0
  #bytes = 0

  get count(): number {
    return this.#count
  }

  /** Bytes proposed here and not yet applied. */
  get bytes(): number {
    return this.#bytes
  }

  /** @throws AspenError OVERLOADED */
  checkRoom(bytes: number): void {
    if (this.#count < MAX_PROPOSALS && this.#bytes + bytes <= MAX_PROPOSAL_BYTES) return
    throw new AspenError(
      'OVERLOADED',
      `${this.#count} writes of ${this.#bytes} bytes are already in flight on this node; try again`,
      {
        queue: 'proposals',
      },
    )
  }

  add(logId: LogId, bytes: number, deadline: number, reply: Reply<WriteResult>): void {
    const waiter = { term: logId.term, bytes, deadline, reply }
    const others = this.#waiters.get(logId.index)
    // Two lives of leadership may have proposed different entries at one index; one of them will be applied.
    if (others === undefined) this.#waiters.set(logId.index, [waiter])
    else others.push(waiter)
    this.#count++
    this.#bytes += bytes
  }

  /** Entry `index` of `term` was applied with `result`. */
  applied(index: number, term: number, result: WriteResult | null): void {
    const waiters = this.#waiters.get(index)
    if (waiters === undefined) return
    this.#waiters.delete(index)
    for (const waiter of waiters) {
      this.#release(waiter)
      if (waiter.term === term) waiter.reply(undefined, result ?? { logId: { term, index } })
      else waiter.reply(notApplied(index))
    }
  }

  /** The state jumped over these entries: what became of them cannot be told any more. */
  skippedTo(index: number): void {
    for (const [at, waiters] of this.#waiters) {
      if (at > index) continue
      this.#waiters.delete(at)
      for (const waiter of waiters) {
        this.#release(waiter)
        waiter.reply(outcomeUnknown('a snapshot from the leader has replaced the log behind it'))
      }
    }
  }

  /** Gives up on what has passed its deadline. */
  expire(now: number): void {
    for (const [at, waiters] of this.#waiters) {
      if (waiters.every((waiter) => waiter.deadline > now)) continue
      const rest = waiters.filter((waiter) => waiter.deadline > now)
      if (rest.length === 0) this.#waiters.delete(at)
      else this.#waiters.set(at, rest)
      for (const waiter of waiters) {
        if (waiter.deadline > now) continue
        this.#release(waiter)
        waiter.reply(outcomeUnknown('it was not committed before the deadline'))
      }
    }
  }

  /** The node stops: nobody will be told any more. */
  abandon(why: string): void {
    const all = [...this.#waiters.values()].flat()
    this.#waiters.clear()
    this.#count = 0
    this.#bytes = 0
    for (const waiter of all) waiter.reply(outcomeUnknown(why))
  }

  #release(waiter: Waiter): void {
    this.#count--
    this.#bytes -= waiter.bytes
  }
}

function notApplied(index: number): AspenError {
  return new AspenError(
    'NOT_APPLIED',
    `leadership changed before entry ${index} was committed and another entry took its place; send it again`,
  )
}

export function outcomeUnknown(why: string): AspenError {
  return new AspenError('OUTCOME_UNKNOWN', `the request may or may not have taken effect: ${why}`)
}

import { AspenError } from '../../api/index.ts'
import { fail } from '../../lib/index.ts'
import type { StateMachine } from '../../ports/index.ts'
import { REPLICA_LIMITS } from '../options.ts'
import type { Reply } from '../options.ts'

interface WaitingRead {
  readonly deadline: number
  readonly reply: Reply<void>
}

interface Ready {
  readonly index: number
  readonly waiters: readonly WaitingRead[]
}

/**
 * The callers who wait for a read: first for the core to say at which index their ticket may be served (`raft/read-rounds.ts` has
 * what a ticket is), then for the state machine to reach it.
 */
export class Reads {
  readonly #state: Pick<StateMachine, 'info'>
  readonly #byTicket = new Map<number, WaitingRead[]>()
  readonly #limit: number
  #ready: Ready[] = []
  #count = 0

  /** @param state what is read; it has the last word on how far it is */
  constructor(state: Pick<StateMachine, 'info'>, limit = REPLICA_LIMITS.reads) {
    this.#state = state
    this.#limit = limit
  }

  get count(): number {
    return this.#count
  }

  /** @throws AspenError OVERLOADED */
  checkRoom(): void {
    if (this.#count < this.#limit) return
    throw new AspenError('OVERLOADED', `${this.#count} reads are already waiting on this node; try again`, { queue: 'reads' })
  }

  add(ticket: number, deadline: number, reply: Reply<void>): void {
    const waiters = this.#byTicket.get(ticket)
    if (waiters === undefined) this.#byTicket.set(ticket, [{ deadline, reply }])
    else waiters.push({ deadline, reply })
    this.#count++
  }

  /** The reads of `ticket` are linearizable at `index`. */
  ready(ticket: number, index: number, applied: number): void {
    const waiters = this.#byTicket.get(ticket)
    if (waiters === undefined) return
    this.#byTicket.delete(ticket)
    if (index <= applied) this.#serve(waiters, index)
    else this.#ready.push({ index, waiters })
  }

  /** Calls back when the state machine has reached `index`, however long that takes. @throws AspenError OVERLOADED */
  whenApplied(index: number, applied: number, reply: Reply<void>): void {
    this.checkRoom()
    const waiters = [{ deadline: Number.POSITIVE_INFINITY, reply }]
    this.#count++
    if (index <= applied) this.#serve(waiters, index)
    else this.#ready.push({ index, waiters })
  }

  applied(index: number): void {
    if (this.#ready.length === 0) return
    const due = this.#ready.filter((ready) => ready.index <= index)
    if (due.length === 0) return
    this.#ready = this.#ready.filter((ready) => ready.index > index)
    for (const ready of due) this.#serve(ready.waiters, ready.index)
  }

  /** Answers what is past its deadline. Returns the tickets for which nobody waits any more. */
  expire(now: number, why: () => AspenError): ReadonlySet<number> {
    const forgotten = new Set<number>()
    const expired: WaitingRead[] = []
    const keep = (waiter: WaitingRead): boolean => {
      if (waiter.deadline > now) return true
      expired.push(waiter)
      return false
    }
    for (const [ticket, waiters] of this.#byTicket) {
      const rest = waiters.filter(keep)
      if (rest.length === 0) {
        this.#byTicket.delete(ticket)
        forgotten.add(ticket)
      } else if (rest.length < waiters.length) this.#byTicket.set(ticket, rest)
    }
    this.#ready = this.#ready.map((ready) => ({ index: ready.index, waiters: ready.waiters.filter(keep) }))
    this.#ready = this.#ready.filter((ready) => ready.waiters.length > 0)
    this.#count -= expired.length
    for (const waiter of expired) waiter.reply(why())
    return forgotten
  }

  #serve(waiters: readonly WaitingRead[], index: number): void {
    const { applied } = this.#state.info()
    if (applied.index < index) fail(`a read at ${index} would be served from the state at ${applied.index}`)
    this.#count -= waiters.length
    for (const waiter of waiters) waiter.reply(undefined)
  }
}

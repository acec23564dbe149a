import type { WriteResult } from '../../api/index.ts'
import { AspenError } from '../../api/index.ts'
import type { Applied } from '../../commands/index.ts'
import { fail, Deque } from '../../lib/index.ts'
import type { LogId } from '../../raft/index.ts'
import { REPLICA_LIMITS } from '../options.ts'
import type { ReplicaLimits, Reply } from '../options.ts'

export interface Proposal {
  readonly bytes: number
  /** A time of the clock. */
  readonly deadline: number
  /** What it answers depends on the state it meets: it waits for the state machine, not only for the quorum. */
  readonly answersFromState: boolean
  readonly reply: Reply<WriteResult>
}

interface WaitingProposal extends Proposal {
  readonly term: number
  answered: boolean
}

/**
 * Who waits for which log entry. The outcome is decided by what is committed at that index, and by nothing else:
 * losing leadership alone says nothing about an entry that is in other logs. What is answered at its commit still
 * counts until it is applied, so that the backlog of the state machine stays bounded.
 */
export class Proposals {
  /**
   * By position: the first is that of the entry after the last applied. Not a Map: its tables, each replaced by the
   * next as entries come and go, keep what is long answered alive until the next major garbage collection.
   */
  readonly #waiters = new Deque<WaitingProposal[] | undefined>()
  readonly #limits: Pick<ReplicaLimits, 'proposals' | 'proposalBytes'>
  #applied: number
  /** Everything up to here was looked at by `committed`. */
  #committed: number
  #count = 0
  #bytes = 0

  constructor(applied: number, limits: Pick<ReplicaLimits, 'proposals' | 'proposalBytes'> = REPLICA_LIMITS) {
    this.#limits = limits
    this.#applied = applied
    this.#committed = applied
  }

  /** Proposed here and not yet applied. */
  get count(): number {
    return this.#count
  }

  /** Bytes proposed here and not yet applied. */
  get bytes(): number {
    return this.#bytes
  }

  /** @throws AspenError OVERLOADED */
  checkRoom(bytes: number): void {
    const { proposals, proposalBytes } = this.#limits
    if (this.#count < proposals && this.#bytes + bytes <= proposalBytes) return
    throw new AspenError(
      'OVERLOADED',
      `${this.#count} writes of ${this.#bytes} bytes are already in flight on this node; try again`,
      {
        queue: 'proposals',
      },
    )
  }

  add({ term, index }: LogId, proposal: Proposal): void {
    const position = index - this.#applied - 1
    if (!(position >= 0)) fail(`a proposal at ${index}: ${this.#applied} is applied`)
    while (this.#waiters.length <= position) this.#waiters.push(undefined)
    const waiter = { ...proposal, term, answered: false }
    const others = this.#waiters.at(position)
    // Two lives of leadership may have proposed different entries at one index; one of them will be applied.
    if (others === undefined) this.#waiters.set(position, [waiter])
    else others.push(waiter)
    this.#count++
    this.#bytes += proposal.bytes
  }

  /** Entries up to `index` are committed; answers those whose answer is known by that. */
  committed(index: number, termAt: (index: number) => number | undefined): void {
    if (this.#count > 0) {
      for (let at = Math.max(this.#committed, this.#applied) + 1; at <= index; at++) {
        const waiters = this.#waiters.at(at - this.#applied - 1)
        const term = waiters === undefined ? undefined : termAt(at)
        if (waiters === undefined || term === undefined) continue
        for (const waiter of waiters) {
          if (waiter.term === term && !waiter.answersFromState) answer(waiter, undefined, { logId: { term, index: at } })
        }
      }
    }
    this.#committed = Math.max(this.#committed, index)
  }

  /** Entry `index`, the next, of `term` was applied with `result`, which may be a refusal. */
  applied(index: number, term: number, result: Applied | null): void {
    if (index !== this.#applied + 1) fail(`entry ${index} was applied after ${this.#applied}`)
    for (const waiter of this.#takeNext()) {
      if (waiter.term !== term) answer(waiter, notApplied(index))
      else if (result instanceof AspenError) answer(waiter, result)
      else answer(waiter, undefined, result ?? { logId: { term, index } })
    }
  }

  /** The state jumped over these entries: what became of them cannot be told any more. */
  skippedTo(index: number): void {
    while (this.#applied < index && this.#waiters.length > 0) {
      for (const waiter of this.#takeNext()) {
        answer(waiter, outcomeUnknown('a snapshot from the leader has replaced the log behind it'))
      }
    }
    this.#applied = Math.max(this.#applied, index)
  }

  /** Gives up on what has passed its deadline. */
  expire(now: number): void {
    if (this.#count === 0) return
    for (let position = 0; position < this.#waiters.length; position++) {
      const waiters = this.#waiters.at(position)
      if (waiters === undefined || waiters.every((waiter) => waiter.deadline > now)) continue
      this.#waiters.set(
        position,
        waiters.filter((waiter) => waiter.deadline > now),
      )
      for (const waiter of waiters) {
        if (waiter.deadline > now) continue
        this.#release(waiter)
        answer(waiter, outcomeUnknown('it was not committed before the deadline'))
      }
    }
  }

  /** The node stops: nobody will be told any more. */
  abandon(why: string): void {
    while (this.#waiters.length > 0) for (const waiter of this.#takeNext()) answer(waiter, outcomeUnknown(why))
  }

  /** Who waits for the entry after the last applied, which it becomes. */
  #takeNext(): readonly WaitingProposal[] {
    this.#applied++
    const waiters = this.#waiters.shift() ?? []
    for (const waiter of waiters) this.#release(waiter)
    return waiters
  }

  #release(waiter: WaitingProposal): void {
    this.#count--
    this.#bytes -= waiter.bytes
  }
}

function answer(waiter: WaitingProposal, error: AspenError | undefined, result?: WriteResult): void {
  if (waiter.answered) return
  waiter.answered = true
  if (error === undefined) waiter.reply(undefined, result)
  else waiter.reply(error)
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

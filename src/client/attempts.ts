/** Carries a call to whichever node answers it, within its deadline: the same for every way of asking a node. */
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { AspenError, checkTimeout } from '../api/index.ts'
import { REQUEST_TIMEOUT_MS } from '../limits.ts'
import { ExchangeFailure } from './exchange.ts'
import { isOfNode, leavesOpen, nextStep, pauseMs, saysNothing, tookEffect } from './retry.ts'

/** One attempt's result: the answer's meaning, or why there is none. */
export type Attempt<T> = { readonly value: T } | { readonly failure: AspenError | ExchangeFailure }

export interface Attempted<T> {
  /** Whether asking twice does no more than asking once. */
  readonly repeatable: boolean
  /** Whether it changes something: then a refusal says nothing of an attempt before it. False when absent. */
  readonly changes?: boolean
  /** About the first node alone, and of no use to another one. */
  readonly pinned?: boolean
  /** Milliseconds for the whole call; 5000 when absent. */
  readonly timeoutMs?: number | undefined
  /**
   * Asks the node with this number, from 0, and waits no longer than this for its answer. What could not be sent for as long as
   * `connectMs` is not sent any more: another node may have it.
   */
  attempt(node: number, budgetMs: number, connectMs: number): Promise<Attempt<T>>
  /** What the caller hears when no attempt led to an answer. */
  giveUp(failure: ExchangeFailure, node: number): AspenError
}

/** Why an attempt led to no answer, and at which node. */
interface Failed {
  readonly failure: AspenError | ExchangeFailure
  readonly node: number
}

/** How a call ended without an answer. */
interface Ending {
  readonly last: Failed
  /** The last one that says more than that time was up. */
  readonly telling: Failed | null
  /** Before the last one: an attempt that may have taken effect. */
  readonly open: AspenError | ExchangeFailure | null
}

/** Time and chance, as far as a client needs them. */
export interface Surroundings {
  /** Milliseconds, on a clock that never goes back. */
  readonly now: () => number
  readonly pause: (ms: number) => Promise<unknown>
  /** From 0 up to 1. */
  readonly random: () => number
}

const REAL: Surroundings = { now: () => performance.now(), pause, random: Math.random }

const MAX_ATTEMPTS = 64
const MAX_PENDING_CALLS = 10_000
/** With other nodes to ask, a silent one is given this long at least. */
const MIN_ATTEMPT_MS = 500
/** The same for one that cannot be reached: nothing is lost by asking another. */
const MIN_CONNECT_MS = 250

export class Attempts {
  readonly #nodes: number
  readonly #surroundings: Surroundings
  /** The node that answered last, or the one after it once it does not: it is asked first. */
  #preferred = 0
  #pending = 0

  constructor(nodes: number, surroundings: Surroundings = REAL) {
    this.#nodes = nodes
    this.#surroundings = surroundings
  }

  /** @throws AspenError what the node answered, what `giveUp` says, INVALID_REQUEST for a timeout out of range, or OVERLOADED when too many calls wait already */
  async run<T>(call: Attempted<T>): Promise<T> {
    if (this.#pending >= MAX_PENDING_CALLS) {
      throw new AspenError('OVERLOADED', `${MAX_PENDING_CALLS} calls of this client wait already`, { limit: MAX_PENDING_CALLS })
    }
    this.#pending++
    try {
      return await this.#attempts(call)
    } finally {
      this.#pending--
    }
  }

  async #attempts<T>(call: Attempted<T>): Promise<T> {
    const { timeoutMs = REQUEST_TIMEOUT_MS } = call
    checkTimeout(timeoutMs)
    const surroundings = this.#surroundings
    const deadline = surroundings.now() + timeoutMs
    const nodes = call.pinned === true ? 1 : this.#nodes
    const first = call.pinned === true ? 0 : this.#preferred
    let open: AspenError | ExchangeFailure | null = null
    let telling: Failed | null = null
    for (let attempt = 0; ; attempt++) {
      const node = (first + attempt) % nodes
      const left = Math.max(1, deadline - surroundings.now())
      const budget = call.repeatable && nodes > 1 ? Math.min(left, Math.max(MIN_ATTEMPT_MS, left / 2)) : left
      const connect = nodes > 1 ? Math.min(left, Math.max(MIN_CONNECT_MS, left / 2)) : left
      const result = await call.attempt(node, budget, connect)
      if ('value' in result) {
        if (call.pinned !== true) this.#preferred = node
        return result.value
      }
      const { failure } = result
      // Also where this call ends here: the next one shall not meet the same silence.
      if (call.pinned !== true && this.#preferred === node && isOfNode(failure)) this.#preferred = (node + 1) % nodes
      if (!saysNothing(failure)) telling = { failure, node }
      const wait = pauseBeforeNext(failure, call, attempt, nodes, surroundings)
      if (wait === null || attempt + 1 >= MAX_ATTEMPTS || surroundings.now() + wait >= deadline)
        throw finalError(call, { last: { failure, node }, telling, open })
      if (call.changes === true && leavesOpen(failure)) open = failure
      if (wait > 0) await surroundings.pause(wait)
    }
  }
}

function finalError(call: Attempted<unknown>, { last, telling, open }: Ending): AspenError {
  if (open !== null && !leavesOpen(last.failure) && !tookEffect(last.failure)) {
    const [reason, end] = [open.message, last.failure.message]
    const words = `an attempt was not answered, and may have taken effect: ${reason}; the last one failed: ${end}`
    return new AspenError('OUTCOME_UNKNOWN', words, { reason, last: end })
  }
  // The last attempt has what time is left, which may be too little for anything: what was said before it stands then.
  const { failure, node } = telling ?? last
  return failure instanceof ExchangeFailure ? call.giveUp(failure, node) : failure
}

/** Milliseconds until the next attempt, or null when there must be none. */
function pauseBeforeNext(
  failure: AspenError | ExchangeFailure,
  call: Attempted<unknown>,
  attempt: number,
  nodes: number,
  { random }: Surroundings,
): number | null {
  const step = nextStep(failure, call.repeatable)
  if (step === 'fail' || step === 'unknown') return null
  const round = Math.floor((attempt + 1) / nodes)
  const wholeRound = (attempt + 1) % nodes === 0
  if (step === 'later') return pauseMs(round, failure, random)
  if (call.pinned === true) return null
  // Every node was asked once, and none is reachable or knows better: only unreachable ones may come back.
  if (wholeRound && (!(failure instanceof ExchangeFailure) || failure.lasting)) return null
  return wholeRound ? pauseMs(round, failure, random) : 0
}

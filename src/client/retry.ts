/**
 * What a failure means for the request that met it. A write is sent again only when it provably changed nothing, or when
 * the node can recognise it by its origin; what can be asked twice without harm is.
 */
import type { AspenError } from '../api/index.ts'
import { ExchangeFailure } from './exchange.ts'

export type NextStep =
  /** Give the error to the caller. */
  | 'fail'
  /** Whether it took effect is not known; nobody may guess. */
  | 'unknown'
  /** Another node may do better, now. */
  | 'elsewhere'
  /** Any node may do better, after a pause. */
  | 'later'

/** The state of the cluster in these passes by itself. The other retryable codes want a decision of the caller. */
const PASSING = new Set(['NO_LEADER', 'NOT_LEADER', 'NOT_APPLIED', 'STOPPING', 'OVERLOADED'])
/** Of one node, which changed nothing and will not do better soon. */
const ELSEWHERE = new Set(['NOT_INITIALIZED', 'DEADLINE_EXCEEDED', 'REMOVED'])
/** Trouble of one node, which for a write leaves open what happened. */
const NODE_TROUBLE = new Set(['POISONED', 'INTERNAL', 'OUTCOME_UNKNOWN'])

/** @param repeatable whether sending the request twice does no more than sending it once */
export function nextStep(failure: AspenError | ExchangeFailure, repeatable: boolean): NextStep {
  if (failure instanceof ExchangeFailure) {
    if (!failure.sent || repeatable) return 'elsewhere'
    return 'unknown'
  }
  if (PASSING.has(failure.code)) return 'later'
  if (ELSEWHERE.has(failure.code)) return 'elsewhere'
  return NODE_TROUBLE.has(failure.code) && repeatable ? 'elsewhere' : 'fail'
}

/** Whether it is the node, and not the request, that was the trouble: further calls begin with another one. */
export function isOfNode(failure: AspenError | ExchangeFailure): boolean {
  if (failure instanceof ExchangeFailure || PASSING.has(failure.code) || NODE_TROUBLE.has(failure.code)) return true
  return ELSEWHERE.has(failure.code)
}

/** Whether a change may have taken effect in spite of this failure, and whatever is said of it later. */
export function leavesOpen(failure: AspenError | ExchangeFailure): boolean {
  return failure instanceof ExchangeFailure ? failure.sent : NODE_TROUBLE.has(failure.code)
}

/** Whether it is certain that the change took effect, in spite of this failure and of any before it. */
export function tookEffect(failure: AspenError | ExchangeFailure): boolean {
  return !(failure instanceof ExchangeFailure) && failure.code === 'RESULT_TOO_LARGE'
}

/** Whether it tells of nothing but too little time: neither of the node, nor of what became of the request. */
export function saysNothing(failure: AspenError | ExchangeFailure): boolean {
  return failure instanceof ExchangeFailure && failure.outOfTime && !failure.sent
}

const FIRST_PAUSE_MS = 25
const MAX_PAUSE_MS = 1_000

/**
 * Milliseconds to wait after the given number of rounds, drawn so that clients do not return together.
 *
 * @param random draws from 0 up to 1
 */
export function pauseMs(round: number, failure: AspenError | ExchangeFailure, random: () => number): number {
  const overloaded = !(failure instanceof ExchangeFailure) && failure.code === 'OVERLOADED'
  // A full node says Retry-After: 1. Coming back sooner would keep it full.
  const longest = overloaded ? MAX_PAUSE_MS : Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** round)
  return longest / 2 + (random() * longest) / 2
}

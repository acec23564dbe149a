import { MAX_REQUEST_TIMEOUT_MS } from '../limits.ts'
import { invalid, kindOf } from './given.ts'

/** A request's time, in milliseconds: the same for a node and for every client of one. @throws AspenError INVALID_REQUEST */
export function checkTimeout(timeoutMs: unknown): number {
  if (typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= MAX_REQUEST_TIMEOUT_MS) return timeoutMs
  const given = typeof timeoutMs === 'number' ? `${timeoutMs} ms` : kindOf(timeoutMs)
  throw invalid(`the timeout is ${given}: it must be above 0 and at most ${MAX_REQUEST_TIMEOUT_MS} ms`)
}

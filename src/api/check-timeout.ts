import { MAX_REQUEST_TIMEOUT_MS } from '../limits.ts'
import { AspenError } from './errors.ts'

/** A request's time, in milliseconds: the same for a node and for every client of one. @throws AspenError INVALID_REQUEST */
export function checkTimeout(timeoutMs: number): void {
  if (timeoutMs > 0 && timeoutMs <= MAX_REQUEST_TIMEOUT_MS) return
  throw new AspenError(
    'INVALID_REQUEST',
    `the timeout is ${timeoutMs} ms: it must be above 0 and at most ${MAX_REQUEST_TIMEOUT_MS}`,
  )
}

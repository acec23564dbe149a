import { AssertionError } from '../lib/index.ts'

/**
 * Another node proves that this one has promised what its log does not hold: its disk was put back to an earlier time, or has lost
 * writes. It must not vote or acknowledge again on this log, in later lives neither: whoever relied on the promise may count on it.
 */
export class ForgottenPromise extends AssertionError {
  override readonly name = 'ForgottenPromise'
}

import { randomBetween } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'

export interface BackoffOptions {
  readonly minMs: number
  readonly maxMs: number
}

/** Exponential backoff, each delay drawn from the upper half of its range so that two nodes do not keep step. */
export function backoffDelay(failures: number, options: BackoffOptions, random: Random): number {
  const ceiling = Math.min(options.maxMs, options.minMs * 2 ** Math.min(failures, 30))
  return randomBetween(random, Math.ceil(ceiling / 2), Math.ceil(ceiling))
}

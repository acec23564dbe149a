import { MAX_VOTERS } from '../limits.ts'
import { AspenError } from './errors.ts'

/** The ids in order, each once: the same for a node and for its stand-ins. @throws AspenError INVALID_REQUEST */
export function checkNodeIds(ids: readonly number[], what: string, max: number = MAX_VOTERS): number[] {
  for (const id of ids) {
    if (!Number.isSafeInteger(id) || id < 1) {
      throw new AspenError('INVALID_REQUEST', `${what} names node ${id}: node ids are whole numbers from 1`)
    }
  }
  const unique = [...new Set(ids)].toSorted((a, b) => a - b)
  if (unique.length > max) {
    throw new AspenError('INVALID_REQUEST', `${what} names ${unique.length} nodes; at most ${max} are allowed`)
  }
  return unique
}

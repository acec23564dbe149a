import { MAX_VOTERS } from '../limits.ts'
import { checked, givenItems, givenLength, invalid, kindOf } from './given.ts'

/** An id may be said more than once, but not without end. */
const MAX_SAID = 10

export function checkNodeId(id: unknown, what: string): number {
  if (Number.isSafeInteger(id) && (id as number) >= 1) return id as number
  throw invalid(`${what} names node ${typeof id === 'number' ? id : kindOf(id)}: node ids are whole numbers from 1`)
}

/** The ids in order, each once: the same for a node and for its stand-ins. @throws AspenError INVALID_REQUEST */
export function checkNodeIds(ids: unknown, what: string, max: number = MAX_VOTERS): number[] {
  return checked(what, () => {
    const length = givenLength(ids, what)
    if (length > max * MAX_SAID) throw tooMany(what, length, max)
    const unique = [...new Set(givenItems(ids, length, (id) => checkNodeId(id, what)))].toSorted((a, b) => a - b)
    if (unique.length > max) throw tooMany(what, unique.length, max)
    return unique
  })
}

function tooMany(what: string, count: number, max: number): Error {
  return invalid(`${what} names ${count} nodes; at most ${max} are allowed`)
}

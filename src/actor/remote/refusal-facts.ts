import { WireError } from '../../lib/index.ts'
import { MAX_REFUSAL_FACTS_BYTES } from '../../limits.ts'
import { Refusal } from '../actor-error.ts'
import { errorToData } from '../error-data.ts'
import { decodePlainData, encodePlainData } from '../plain-data/index.ts'
import { NO_FACTS } from './statements.ts'

/** What an error has of itself, and no peer gives it. */
const OWN = new Set(['name', 'message', 'stack', 'cause'])

/** The name of an error that a handler refused with, and its own members that are plain data; nothing where that is too much. Never throws. */
export function factsOf(error: Error): Uint8Array {
  const { name, members } = errorToData(error)
  try {
    const facts = encodePlainData({ name, members })
    return facts.length <= MAX_REFUSAL_FACTS_BYTES ? facts : NO_FACTS
  } catch {
    return NO_FACTS
  }
}

/** The refusal on the other side. @throws WireError when the bytes are no such facts */
export function refusalFrom(words: string, facts: Uint8Array): Refusal {
  const refusal = new Refusal(words)
  if (facts.length === 0) return refusal
  const said = decodePlainData(facts)
  if (typeof said !== 'object' || said === null) throw new WireError('facts of a refusal that are none')
  const { name, members } = said as { readonly name?: unknown; readonly members?: unknown }
  if (typeof name === 'string') Object.defineProperty(refusal, 'name', { value: name, configurable: true, writable: true })
  if (typeof members === 'object' && members !== null) {
    for (const [key, value] of Object.entries(members)) {
      if (OWN.has(key)) continue
      Object.defineProperty(refusal, key, { value, configurable: true, enumerable: true, writable: true })
    }
  }
  return refusal
}

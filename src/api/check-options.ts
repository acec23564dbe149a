import { checkOrigin } from './check-origin.ts'
import { checkTimeout } from './check-timeout.ts'
import { checked, givenChoice, givenFields } from './given.ts'
import type { WriteOptions } from './key-value-store.ts'

/** The same names for every method: options of a write may be shared with reads, which have neither origin nor revision to look at. */
const OPTIONS = ['timeoutMs', 'origin', 'revision']

/** The options of a request, in a copy: the same for a node and for its stand-ins. @throws AspenError INVALID_REQUEST */
export function checkOptions(options: unknown = {}): WriteOptions {
  return checked('the options', () => {
    const { timeoutMs, origin, revision } = givenFields(options, 'the options', OPTIONS)
    return {
      ...(timeoutMs === undefined ? {} : { timeoutMs: checkTimeout(timeoutMs) }),
      ...(origin === undefined ? {} : { origin: checkOrigin(origin) }),
      ...(revision === undefined ? {} : { revision: givenChoice(revision, 'revision') }),
    }
  })
}

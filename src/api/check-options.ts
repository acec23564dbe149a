import { checkOrigin } from './check-write.ts'
import { checkTimeout } from './check-timeout.ts'
import { checked, givenFields } from './given.ts'
import type { WriteOptions } from './key-value-store.ts'

/** The same names for every method: options of a write may be shared with reads, which have no origin to look at. */
const OPTIONS = ['timeoutMs', 'origin']

/** The options of a request, in a copy: the same for a node and for its stand-ins. @throws AspenError INVALID_REQUEST */
export function checkOptions(options: unknown = {}): WriteOptions {
  return checked('the options', () => {
    const { timeoutMs, origin } = givenFields(options, 'the options', OPTIONS)
    return {
      ...(timeoutMs === undefined ? {} : { timeoutMs: checkTimeout(timeoutMs) }),
      ...(origin === undefined ? {} : { origin: checkOrigin(origin) }),
    }
  })
}

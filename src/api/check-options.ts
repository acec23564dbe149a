import { checkOrigin } from './check-origin.ts'
import { checkTimeout } from './check-timeout.ts'
import { checked, givenChoice, givenFields } from './given.ts'
import type { WriteOptions } from './key-value-store.ts'

/** The same names for every method: options of a write may be shared with reads, which have neither origin nor revision to look at. */
const NONE: WriteOptions = {}

const OPTIONS = ['timeoutMs', 'origin', 'revision']

/** The options of a request, in a copy: the same for a node and for its stand-ins. @throws AspenError INVALID_REQUEST */
export function checkOptions(options?: unknown): WriteOptions {
  return options === undefined ? NONE : checked('the options', () => copyOf(options))
}

function copyOf(options: unknown): WriteOptions {
  const { timeoutMs, origin, revision } = givenFields(options, 'the options', OPTIONS)
  const copy: { -readonly [K in keyof WriteOptions]: WriteOptions[K] } = {}
  if (timeoutMs !== undefined) copy.timeoutMs = checkTimeout(timeoutMs)
  if (origin !== undefined) copy.origin = checkOrigin(origin)
  if (revision !== undefined) copy.revision = givenChoice(revision, 'revision')
  return copy
}

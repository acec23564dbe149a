import { utf8Encode } from '../lib/index.ts'
import { MAX_CLIENT_ID_SIZE, MIN_CLIENT_SEQUENCE } from '../limits.ts'
import type { ClientSequence } from './commands.ts'
import { givenFields, givenText, givenWhole, invalid } from './given.ts'

/** @throws AspenError INVALID_REQUEST */
export function checkOrigin(origin: unknown): ClientSequence {
  const fields = givenFields(origin, 'the origin', ['client', 'sequence'])
  const client = givenText(fields['client'], 'the client id')
  const size = utf8Encode(client).length
  if (size < 1 || size > MAX_CLIENT_ID_SIZE) {
    throw invalid(`the client id has ${size} bytes; 1 to ${MAX_CLIENT_ID_SIZE} are allowed`)
  }
  const sequence = givenWhole(fields['sequence'], 'the sequence', MIN_CLIENT_SEQUENCE)
  return { client, sequence }
}

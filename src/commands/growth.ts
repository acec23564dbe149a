/** What a command may add to the state, for the quota and for the reserve of the disk. */
import type { Command } from './command.ts'
import type { Growth, KeyReader } from './definition.ts'
import type { Language } from './language.ts'
import { LANGUAGE } from './version-1.ts'

/** A store without a key: what a write adds to it is the most that it can add to any. */
const EMPTY: KeyReader = { head: () => undefined, get: () => undefined }

/**
 * What a command adds to the keys as they are. What becomes smaller is not set against what grows: a write under way
 * may have taken it away before.
 */
export function growthOf(command: Command, keys: KeyReader, language: Language = LANGUAGE): Growth {
  if (command.type === 'batch') return growthOfOperations(command.operations, keys, language)
  const then = growthOfOperations(command.then, keys, language)
  const otherwise = growthOfOperations(command.else, keys, language)
  return { keys: Math.max(then.keys, otherwise.keys), bytes: Math.max(then.bytes, otherwise.bytes) }
}

/** The most that a command can add, whatever the keys are. */
export function mostGrowthOf(command: Command, language: Language = LANGUAGE): Growth {
  return growthOf(command, EMPTY, language)
}

function growthOfOperations(operations: readonly { readonly type: string }[], keys: KeyReader, language: Language): Growth {
  let rows = 0
  let bytes = 0
  for (const operation of operations) {
    const growth = language.operation(operation.type).growth(operation, keys)
    rows += growth.keys
    bytes += growth.bytes
  }
  return { keys: rows, bytes }
}

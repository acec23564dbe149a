/** Results of operations in JSON: an object with one member, named like the operation that it answers. */
import type { OperationResult } from '../api/index.ts'
import type { EntryFromJson, EntryToJson, Spelled } from './definition.ts'
import { isSpelled } from './key-value-codec.ts'
import type { Language } from './language.ts'
import { LANGUAGE } from './version-1.ts'

export function resultToJson(result: OperationResult, entry: EntryToJson, language: Language = LANGUAGE): object {
  const definition = language.operation(result.type)
  return { [definition.name]: definition.resultToJson(result, entry) }
}

/** Undefined when it is the result of no operation that is known here. `entry` throws what its caller wants thrown. */
export function resultFromJson(json: Spelled, entry: EntryFromJson, language: Language = LANGUAGE): OperationResult | undefined {
  const definition = language.operations.find(({ name }) => isSpelled(json[name]))
  if (definition === undefined) return undefined
  return definition.resultFromJson(json[definition.name] as Spelled, entry) as OperationResult
}

/** The language of cluster version 1. */
import type { OperationResult, WriteOperation } from '../api/index.ts'
import type { Condition, Operation } from './command.ts'
import { absentCondition, modRevisionCondition, valueCondition } from './conditions/index.ts'
import { defineLanguage } from './language.ts'
import type { Language, Tables } from './language.ts'
import { deleteDefinition, getDefinition, setDefinition } from './operations/index.ts'
import { CLUSTER_VERSION_1 } from './semantics.ts'

export const TABLES_1: Tables<Operation, OperationResult, Condition> = {
  operations: { set: setDefinition, delete: deleteDefinition, get: getDefinition },
  conditions: { value: valueCondition, 'mod-revision': modRevisionCondition, absent: absentCondition },
}

export const LANGUAGE: Language = defineLanguage(CLUSTER_VERSION_1, TABLES_1)

type NameOf<W> = W extends unknown ? keyof W : never

/** Every operation that users can spell, with what it becomes: with one missing it does not compile. */
export const SPELLED_OPERATIONS: Readonly<Record<NameOf<WriteOperation>, Operation['type']>> = {
  Set: 'set',
  Delete: 'delete',
  Get: 'get',
}

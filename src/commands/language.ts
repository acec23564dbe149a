/** A language: the operations and conditions that one version of the program knows. */
import { fail } from '../lib/index.ts'
import type {
  AnyCondition,
  AnyOperation,
  ConditionBase,
  ConditionDefinition,
  OperationBase,
  OperationDefinition,
  ResultBase,
} from './definition.ts'

/** One definition for each operation there is: with one missing it does not compile. */
export type OperationTable<O extends OperationBase, R extends ResultBase> = {
  readonly [T in O['type']]: OperationDefinition<Extract<O, { readonly type: T }>, Extract<R, { readonly type: T }>>
}

export type ConditionTable<C extends ConditionBase> = {
  readonly [T in C['type']]: ConditionDefinition<Extract<C, { readonly type: T }>>
}

export interface Tables<O extends OperationBase, R extends ResultBase, C extends ConditionBase> {
  readonly operations: OperationTable<O, R>
  readonly conditions: ConditionTable<C>
}

export class Language {
  /** What a program that knows this language can apply: every version up to it. */
  readonly version: number
  readonly operations: readonly AnyOperation[]
  readonly conditions: readonly AnyCondition[]
  readonly #operationByType: ReadonlyMap<string, AnyOperation>
  readonly #operationByName: ReadonlyMap<string, AnyOperation>
  readonly #conditionByType: ReadonlyMap<string, AnyCondition>
  readonly #operationByCode: readonly (AnyOperation | undefined)[]
  readonly #conditionByCode: readonly (AnyCondition | undefined)[]

  constructor(version: number, operations: readonly AnyOperation[], conditions: readonly AnyCondition[]) {
    this.version = version
    this.operations = operations
    this.conditions = conditions
    this.#operationByType = new Map(operations.map((definition) => [definition.type, definition]))
    this.#operationByName = new Map(operations.map((definition) => [definition.name, definition]))
    this.#conditionByType = new Map(conditions.map((definition) => [definition.type, definition]))
    this.#operationByCode = byCode(version, operations)
    this.#conditionByCode = byCode(version, conditions)
  }

  operation(type: string): AnyOperation {
    const definition = this.#operationByType.get(type)
    if (definition === undefined) fail(`${type} is no operation of version ${this.version} of the commands`)
    return definition
  }

  condition(type: string): AnyCondition {
    const definition = this.#conditionByType.get(type)
    if (definition === undefined) fail(`${type} is no condition of version ${this.version} of the commands`)
    return definition
  }

  /** By its name in a WriteCommand. */
  operationByName(name: string): AnyOperation | undefined {
    return this.#operationByName.get(name)
  }

  operationByCode(code: number): AnyOperation | undefined {
    return this.#operationByCode[code]
  }

  conditionByCode(code: number): AnyCondition | undefined {
    return this.#conditionByCode[code]
  }
}

function byCode<D extends { readonly type: string; readonly code: number; readonly since: number }>(
  version: number,
  definitions: readonly D[],
): readonly (D | undefined)[] {
  const table: (D | undefined)[] = []
  for (const definition of definitions) {
    const { type, code, since } = definition
    if (table[code] !== undefined) fail(`${type} has the code ${code} of ${table[code]?.type}`)
    if (!(code > 0 && code < 256 && since >= 1 && since <= version))
      fail(`${type} has no code, or comes after version ${version}`)
    table[code] = definition
  }
  return table
}

/** A language of these operations, with these results, and these conditions. */
export function defineLanguage<O extends OperationBase, R extends ResultBase, C extends ConditionBase>(
  version: number,
  tables: Tables<O, R, C>,
): Language {
  return new Language(version, Object.values<AnyOperation>(tables.operations), Object.values<AnyCondition>(tables.conditions))
}

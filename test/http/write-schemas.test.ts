/** The schemas of /write have a row for each name of the language: without one it does not compile, and this fails by name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WriteOperation } from '../../src/api/index.ts'
import { LANGUAGE } from '../../src/commands/index.ts'
import type { Language } from '../../src/commands/index.ts'
import { CONDITION_SCHEMAS, OPERATION_SCHEMAS, RESULT_SCHEMAS } from '../../src/faces/http/kv-schemas.ts'
import type { SchemasOf } from '../../src/faces/http/kv-schemas.ts'
import { LANGUAGE_2 } from '../commands/language-2.ts'

/** What a program with Increment would have. */
type WriteOperation2 = WriteOperation | { readonly Increment: { readonly key: string; readonly by: number } }

// @ts-expect-error Increment has no schema
const withoutIncrement: SchemasOf<WriteOperation2> = OPERATION_SCHEMAS

function withoutSchema({ operations, conditions }: Language): string[] {
  const operationNames = operations.map(({ name }) => name)
  return [
    ...operationNames.filter((name) => !(name in withoutIncrement)),
    ...operationNames.filter((name) => !(name in RESULT_SCHEMAS)).map((name) => `${name}'s result`),
    ...conditions.map(({ field }) => field).filter((field) => !(field in CONDITION_SCHEMAS)),
  ]
}

test('schemas of /write: there is one for each operation, result and condition of the language, and an absent one is named', () => {
  assert.deepEqual(withoutSchema(LANGUAGE), [])
  assert.deepEqual(withoutSchema(LANGUAGE_2), ['Increment', "Increment's result"])
})

/** A synthetic version 2 of the language: one operation more, written like any other. What versions are tried with. */
import type { OperationResult } from '../../src/api/index.ts'
import { givenFields, givenWhole } from '../../src/api/index.ts'
import {
  BYTES_PER_KEY,
  defineLanguage,
  defineOperation,
  parseKey,
  readKey,
  respellData,
  TABLES_1,
  writeKey,
} from '../../src/commands/index.ts'
import type { Condition, Language, Operation, OperationDefinition } from '../../src/commands/index.ts'
import { prefixedSize, utf8Decode, utf8Encode, varintSize } from '../../src/lib/index.ts'

/** Adds to the number that a key holds as text; 0 where there is none. */
export interface IncrementOperation {
  readonly type: 'increment'
  readonly key: Uint8Array
  readonly by: number
}

export interface IncrementResult {
  readonly type: 'increment'
  readonly value: number
}

const increment: OperationDefinition<IncrementOperation, IncrementResult> = defineOperation({
  type: 'increment',
  name: 'Increment',
  code: 4,
  since: 2,
  answersNothing: false,
  parse(spelled) {
    const fields = givenFields(spelled, 'Increment', ['key', 'by'])
    return { type: 'increment', key: parseKey(fields), by: givenWhole(fields['by'], 'by', 0) }
  },
  respell(spelled, respellKey) {
    const { key, by } = givenFields(spelled, 'Increment', ['key', 'by'])
    return { key: respellData(key, 'the key', respellKey), by }
  },
  size: ({ key, by }) => prefixedSize(key) + varintSize(by),
  write(writer, { key, by }) {
    writeKey(writer, key)
    writer.varint(by)
  },
  read: (reader) => ({ type: 'increment', key: readKey(reader), by: reader.varint() }),
  growth: ({ key }, keys) =>
    keys.head(key) === undefined ? { keys: 1, bytes: key.length + 16 + BYTES_PER_KEY } : { keys: 0, bytes: 16 },
  apply({ key, by }, keys) {
    const before = keys.get(key)
    const value = Number(before === undefined ? 0 : utf8Decode(before.value)) + by
    keys.set(key, utf8Encode(String(value)))
    return { type: 'increment', value }
  },
  foundBytes: () => 0,
  writeResult: (writer, { value }) => writer.varint(value),
  readResult: (reader) => ({ type: 'increment', value: reader.varint() }),
  resultToJson: ({ value }) => ({ value }),
  resultFromJson: (json) => ({ type: 'increment', value: Number(json['value']) }),
})

export const LANGUAGE_2: Language = defineLanguage<Operation | IncrementOperation, OperationResult | IncrementResult, Condition>(
  2,
  {
    operations: { ...TABLES_1.operations, increment },
    conditions: TABLES_1.conditions,
  },
)

import { givenFields, toValue } from '../../api/index.ts'
import type { Data } from '../../api/index.ts'
import { prefixedSize } from '../../lib/index.ts'
import type { SetOperation } from '../command.ts'
import { BYTES_PER_KEY, defineOperation } from '../definition.ts'
import type { OperationDefinition } from '../definition.ts'
import { parseKey, readKey, readValue, respellData, writeKey, writeValue } from '../key-value-codec.ts'

const FIELDS = ['key', 'value']

export const setDefinition: OperationDefinition<SetOperation, { readonly type: 'set' }> = defineOperation({
  type: 'set',
  name: 'Set',
  code: 1,
  since: 1,
  answersNothing: true,
  parse(spelled) {
    const fields = givenFields(spelled, 'Set', FIELDS)
    return { type: 'set', key: parseKey(fields), value: toValue(fields['value'] as Data) }
  },
  respell(spelled, respellKey, respellValue) {
    const { key, value } = givenFields(spelled, 'Set', FIELDS)
    return { key: respellData(key, 'the key', respellKey), value: respellData(value, 'the value', respellValue) }
  },
  size: ({ key, value }) => prefixedSize(key) + prefixedSize(value),
  write(writer, { key, value }) {
    writeKey(writer, key)
    writeValue(writer, value)
  },
  read: (reader) => ({ type: 'set', key: readKey(reader), value: readValue(reader) }),
  growth({ key, value }, keys) {
    const present = keys.head(key)
    if (present !== undefined) return { keys: 0, bytes: Math.max(0, value.length - present.size) }
    return { keys: 1, bytes: key.length + value.length + BYTES_PER_KEY }
  },
  apply({ key, value }, keys) {
    keys.set(key, value)
    return { type: 'set' }
  },
  foundBytes: () => 0,
  writeResult: () => {},
  readResult: () => ({ type: 'set' }),
  resultToJson: () => ({}),
  resultFromJson: () => ({ type: 'set' }),
})

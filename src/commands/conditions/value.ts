import { toValue } from '../../api/index.ts'
import type { Data } from '../../api/index.ts'
import { equalBytes, prefixedSize } from '../../lib/index.ts'
import type { ValueCondition } from '../command.ts'
import { defineCondition } from '../definition.ts'
import type { ConditionDefinition } from '../definition.ts'
import { parseKey, readKey, readValue, respellData, writeKey, writeValue } from '../key-value-codec.ts'

/** A key that does not exist equals no value. */
export const valueCondition: ConditionDefinition<ValueCondition> = defineCondition({
  type: 'value',
  field: 'value',
  code: 1,
  since: 1,
  parse: (spelled) => ({ type: 'value', key: parseKey(spelled), value: toValue(spelled['value'] as Data) }),
  respell: (spelled, key, value) => ({
    key: respellData(spelled['key'], 'the key', key),
    value: respellData(spelled['value'], 'the value', value),
  }),
  size: ({ key, value }) => prefixedSize(key) + prefixedSize(value),
  write(writer, { key, value }) {
    writeKey(writer, key)
    writeValue(writer, value)
  },
  read: (reader) => ({ type: 'value', key: readKey(reader), value: readValue(reader) }),
  holds({ key, value }, keys) {
    if (keys.head(key)?.size !== value.length) return false
    const entry = keys.get(key)
    return entry !== undefined && equalBytes(entry.value, value)
  },
})

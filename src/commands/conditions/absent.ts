import { givenChoice } from '../../api/index.ts'
import { prefixedSize } from '../../lib/index.ts'
import type { AbsentCondition } from '../command.ts'
import { defineCondition } from '../definition.ts'
import type { ConditionDefinition } from '../definition.ts'
import { parseKey, readKey, respellData, writeKey } from '../key-value-codec.ts'

export const absentCondition: ConditionDefinition<AbsentCondition> = defineCondition({
  type: 'absent',
  field: 'absent',
  code: 3,
  since: 1,
  parse: (spelled) => ({ type: 'absent', key: parseKey(spelled), absent: toAbsent(spelled['absent']) }),
  respell: (spelled, key) => ({
    key: respellData(spelled['key'], 'the key', key),
    absent: toAbsent(spelled['absent']),
  }),
  size: ({ key }) => prefixedSize(key) + 1,
  write(writer, { key, absent }) {
    writeKey(writer, key)
    writer.u8(absent ? 1 : 0)
  },
  read: (reader) => ({
    type: 'absent',
    key: readKey(reader),
    absent: reader.byteBelow(2, 'choice between absent and present') === 1,
  }),
  holds: ({ key, absent }, keys) => (keys.head(key) === undefined) === absent,
})

function toAbsent(absent: unknown): boolean {
  return givenChoice(absent, 'absent')
}

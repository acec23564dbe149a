import { givenFields } from '../../api/index.ts'
import type { KeyValue } from '../../api/index.ts'
import { prefixedSize } from '../../lib/index.ts'
import type { GetOperation } from '../command.ts'
import { NO_GROWTH, defineOperation } from '../definition.ts'
import type { OperationDefinition } from '../definition.ts'
import { parseKey, readKey, readKeyValue, respellData, writeKey, writeKeyValue } from '../key-value-codec.ts'

export const getDefinition: OperationDefinition<GetOperation, { readonly type: 'get'; readonly entry: KeyValue | null }> =
  defineOperation({
    type: 'get',
    name: 'Get',
    code: 3,
    since: 1,
    answersNothing: false,
    parse: (spelled) => ({ type: 'get', key: parseKey(givenFields(spelled, 'Get', ['key'])) }),
    respell: (spelled, key) => ({ key: respellData(givenFields(spelled, 'Get', ['key'])['key'], 'the key', key) }),
    size: ({ key }) => prefixedSize(key),
    write: (writer, { key }) => writeKey(writer, key),
    read: (reader) => ({ type: 'get', key: readKey(reader) }),
    growth: () => NO_GROWTH,
    apply: ({ key }, keys) => ({ type: 'get', entry: keys.get(key) ?? null }),
    foundBytes: ({ entry }) => (entry === null ? 0 : entry.key.length + entry.value.length),
    writeResult(writer, { entry }) {
      writer.u8(entry === null ? 0 : 1)
      if (entry !== null) writeKeyValue(writer, entry)
    },
    readResult: (reader) => ({
      type: 'get',
      entry: reader.byteBelow(2, 'outcome of a get') === 0 ? null : readKeyValue(reader),
    }),
    resultToJson: ({ entry }, entryToJson) => ({ entry: entry === null ? null : entryToJson(entry) }),
    resultFromJson: ({ entry }, entryFromJson) => ({ type: 'get', entry: entry === null ? null : entryFromJson(entry) }),
  })

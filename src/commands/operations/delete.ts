import { givenFields } from '../../api/index.ts'
import { prefixedSize } from '../../lib/index.ts'
import type { DeleteOperation } from '../command.ts'
import { NO_GROWTH, defineOperation } from '../definition.ts'
import type { OperationDefinition } from '../definition.ts'
import { parseKey, readKey, respellData, writeKey } from '../key-value-codec.ts'

export const deleteDefinition: OperationDefinition<DeleteOperation, { readonly type: 'delete'; readonly deleted: boolean }> =
  defineOperation({
    type: 'delete',
    name: 'Delete',
    code: 2,
    since: 1,
    answersNothing: true,
    parse: (spelled) => ({ type: 'delete', key: parseKey(givenFields(spelled, 'Delete', ['key'])) }),
    respell: (spelled, key) => ({ key: respellData(givenFields(spelled, 'Delete', ['key'])['key'], 'the key', key) }),
    size: ({ key }) => prefixedSize(key),
    write: (writer, { key }) => writeKey(writer, key),
    read: (reader) => ({ type: 'delete', key: readKey(reader) }),
    growth: () => NO_GROWTH,
    apply: ({ key }, keys) => ({ type: 'delete', deleted: keys.delete(key) }),
    foundBytes: () => 0,
    writeResult: (writer, { deleted }) => writer.u8(deleted ? 1 : 0),
    readResult: (reader) => ({ type: 'delete', deleted: reader.byteBelow(2, 'outcome of a delete') === 1 }),
    resultToJson: ({ deleted }) => ({ deleted }),
    resultFromJson: (json) => ({ type: 'delete', deleted: json['deleted'] === true }),
  })

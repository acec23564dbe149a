import { givenWhole } from '../../api/index.ts'
import { prefixedSize, varintSize } from '../../lib/index.ts'
import type { ModRevisionCondition } from '../command.ts'
import { defineCondition } from '../definition.ts'
import type { ConditionDefinition } from '../definition.ts'
import { parseKey, readKey, respellData, writeKey } from '../key-value-codec.ts'

/** A key that does not exist has modification revision 0. */
export const modRevisionCondition: ConditionDefinition<ModRevisionCondition> = defineCondition({
  type: 'mod-revision',
  field: 'mod_revision',
  code: 2,
  since: 1,
  parse: (spelled) => ({ type: 'mod-revision', key: parseKey(spelled), modRevision: toRevision(spelled['mod_revision']) }),
  respell: (spelled, key) => ({
    key: respellData(spelled['key'], 'the key', key),
    mod_revision: toRevision(spelled['mod_revision']),
  }),
  size: ({ key, modRevision }) => prefixedSize(key) + varintSize(modRevision),
  write(writer, { key, modRevision }) {
    writeKey(writer, key)
    writer.varint(modRevision)
  },
  read: (reader) => ({ type: 'mod-revision', key: readKey(reader), modRevision: reader.varint() }),
  holds: ({ key, modRevision }, keys) => (keys.head(key)?.modRevision ?? 0) === modRevision,
})

function toRevision(revision: unknown): number {
  return givenWhole(revision, 'mod_revision', 0)
}

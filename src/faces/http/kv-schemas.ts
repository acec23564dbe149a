/**
 * Requests and answers of /write, /read and /scan. What a write is made of stands in tables with a row for each name that
 * `api` has: an operation, a condition or a command without its row does not compile.
 */
import type { WriteCommand, WriteCondition, WriteOperation } from '../../api/index.ts'
import { MAX_SCAN_LIMIT, MAX_SETMULTI_KEYS, MAX_TXN_OPERATIONS } from '../../limits.ts'
import {
  ClientId,
  Encoding,
  Entry,
  Key,
  LogId,
  OptionalEntry,
  OptionalText,
  oneOf,
  revisions,
  Sequence,
  strictObject,
  TimeoutMs,
  Value,
  ValueMark,
} from './schema-parts.ts'
import { Type } from './schema.ts'
import type { Schema } from './schema.ts'

/** A schema for each name that a spelling of this union goes by. */
export type SchemasOf<Spelling> = Readonly<Record<Spelling extends unknown ? keyof Spelling : never, Schema>>

const namesOf = (schemas: Readonly<Record<string, Schema>>): string => Object.keys(schemas).join(', ')

const Set = strictObject({ key: Key, value: Value })
const KeyOnly = strictObject({ key: Key })

export const CONDITION_SCHEMAS: Omit<SchemasOf<WriteCondition>, 'key'> = {
  value: Value,
  mod_revision: Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'The revision of the last write; 0 for an absent key.',
  }),
  absent: Type.Boolean(),
}

const Condition = strictObject(
  {
    key: Key,
    ...Object.fromEntries(Object.entries(CONDITION_SCHEMAS).map(([name, schema]) => [name, Type.Optional(schema)])),
  },
  {
    minProperties: 2,
    maxProperties: 2,
    description: `A key and one of ${namesOf(CONDITION_SCHEMAS)}.`,
    examples: [{ key: 'lock', absent: true }],
  },
)

export const OPERATION_SCHEMAS: SchemasOf<WriteOperation> = { Set, Delete: KeyOnly, Get: KeyOnly }

const Operation = oneOf(OPERATION_SCHEMAS, { description: `One of ${namesOf(OPERATION_SCHEMAS)}.` })

const Txn = strictObject(
  { compare: Type.Array(Condition), then: Type.Array(Operation), else: Type.Optional(Type.Array(Operation)) },
  {
    description: `When every condition holds, "then" is done, otherwise "else": atomically. The operations of a branch take effect one after the other, in the order given, each seeing what those before it did, also on the same key; a Get sees them too. Conditions are compared before any of them. At most ${MAX_TXN_OPERATIONS} conditions and operations.`,
  },
)

const COMMAND_SCHEMAS: SchemasOf<WriteCommand> = {
  Set,
  SetMulti: strictObject(
    { pairs: Type.Array(Type.Array(Type.String(), { minItems: 2, maxItems: 2 })) },
    {
      description: `1 to ${MAX_SETMULTI_KEYS} pairs of key and value, written atomically and in this order: of a key that is given twice, the last value stays.`,
    },
  ),
  Delete: KeyOnly,
  DeleteMulti: strictObject({ keys: Type.Array(Key) }, { description: `1 to ${MAX_SETMULTI_KEYS} keys, deleted atomically.` }),
  Txn,
}

const Command = oneOf(COMMAND_SCHEMAS, { description: `One of ${namesOf(COMMAND_SCHEMAS)}.` })

const WantsRevision = Type.Optional(
  Type.Boolean({
    description: 'Adds the revision to the answer, which then comes once the write is applied. A Txn tells it always.',
  }),
)

export const WriteBody = strictObject(
  { command: Command, ...Encoding, client_id: ClientId, sequence: Sequence, revision: WantsRevision, timeout_ms: TimeoutMs },
  {
    examples: [
      { command: { Set: { key: 'hello', value: 'world' } } },
      {
        command: {
          Txn: {
            compare: [{ key: 'lock', absent: true }],
            then: [{ Set: { key: 'lock', value: 'me' } }],
            else: [{ Get: { key: 'lock' } }],
          },
        },
      },
    ],
  },
)

export const RESULT_SCHEMAS: SchemasOf<WriteOperation> = {
  Set: Type.Object({}, { additionalProperties: false }),
  Delete: Type.Object({ deleted: Type.Boolean() }, { additionalProperties: false }),
  Get: Type.Object({ entry: OptionalEntry }, { additionalProperties: false }),
}

const OperationResult = oneOf(RESULT_SCHEMAS)

export const WriteAnswer = Type.Object(
  {
    success: Type.True(),
    log_id: LogId,
    revision: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Of the store right after this write; of a Txn, or when asked for.' }),
    ),
    succeeded: Type.Optional(Type.Boolean({ description: 'Txn only: whether every condition held.' })),
    results: Type.Optional(
      Type.Array(OperationResult, { description: 'Txn only: of the branch taken, in the order of its operations.' }),
    ),
  },
  { additionalProperties: false, examples: [{ success: true, log_id: { term: 1, index: 12 } }] },
)

export const ReadBody = strictObject(
  {
    key: Key,
    ...Encoding,
    metadata: Type.Optional(Type.Boolean({ description: 'Adds create_revision, mod_revision and version to the answer.' })),
    timeout_ms: TimeoutMs,
  },
  { examples: [{ key: 'hello' }] },
)

/** `value` and, where asked for, the revisions. */
export const ReadAnswer = Type.Object(
  {
    value: Type.String(),
    encoding: Type.Optional(ValueMark),
    create_revision: Type.Optional(revisions.create_revision),
    mod_revision: Type.Optional(revisions.mod_revision),
    version: Type.Optional(revisions.version),
  },
  { additionalProperties: false, examples: [{ value: 'world' }] },
)

export const ScanBody = strictObject(
  {
    prefix: Type.Optional(Type.String({ description: 'Every key that begins with this; not together with start and end.' })),
    start: Type.Optional(Type.String({ description: 'First key, inclusive.' })),
    end: Type.Optional(Type.String({ description: 'Last key, exclusive.' })),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_SCAN_LIMIT,
        description: 'Entries of a page at most; 100 when absent. A page ends earlier where it would grow past 4 MiB.',
        examples: [100],
      }),
    ),
    token: Type.Optional({
      type: ['string', 'null'],
      description: 'The token of the page before, with the same prefix or range. Null or nothing asks for the first page.',
    }),
    ...Encoding,
    timeout_ms: TimeoutMs,
  },
  { examples: [{ prefix: 'user/', limit: 100 }] },
)

export const ScanAnswer = Type.Object(
  { entries: Type.Array(Entry), token: OptionalText },
  {
    additionalProperties: false,
    examples: [{ entries: [{ key: 'hello', value: 'world', create_revision: 7, mod_revision: 12, version: 2 }], token: null }],
  },
)

/** The building blocks of the request and answer schemas. Requests refuse unknown members; nothing is coerced. */
import type { ErrorCode } from '../../api/index.ts'
import {
  MAX_ADDRESS_SIZE,
  MAX_CLIENT_ID_SIZE,
  MAX_MEMBER_ADDRESSES,
  MAX_REQUEST_TIMEOUT_MS,
  MIN_CLIENT_SEQUENCE,
  REQUEST_TIMEOUT_MS,
} from '../../limits.ts'
import { Type } from './schema.ts'
import type { Properties, Schema } from './schema.ts'

/** An object of a request: unknown members are a mistake of the sender and refused. */
export function strictObject(properties: Properties, keywords: Schema = {}): Schema {
  return Type.Object(properties, { additionalProperties: false, ...keywords })
}

/** An object with exactly one member, which says what it is. */
export function oneOf(members: Readonly<Record<string, Schema>>, keywords: Schema = {}): Schema {
  const properties = Object.fromEntries(Object.entries(members).map(([name, schema]) => [name, Type.Optional(schema)]))
  return Type.Object(properties, { additionalProperties: false, minProperties: 1, maxProperties: 1, ...keywords })
}

export const NodeId = Type.Integer({
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'A node id: a whole number from 1 to 2^53-1.',
  examples: [1],
})

export const OptionalNodeId = {
  type: ['integer', 'null'],
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  examples: [1],
}

export const OptionalText = { type: ['string', 'null'] }

export const Count = Type.Integer({ minimum: 0 })

export const EndpointId = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'The Ed25519 public key of a node: 64 lower-case hex characters.',
  examples: ['5f0c6a2e9d4b1837c2a0e5f6b7d8c9a0112233445566778899aabbccddeeff00'],
})

export const Addresses = Type.Array(Type.String({ minLength: 1, maxLength: MAX_ADDRESS_SIZE }), {
  maxItems: MAX_MEMBER_ADDRESSES,
  description: `Where the node can be dialled, as host:port: at most ${MAX_MEMBER_ADDRESSES}.`,
  examples: [['127.0.0.1:26002']],
})

export const Key = Type.String({
  description: '1 to 1024 bytes of UTF-8, or their base64 when "keys" is "base64".',
  examples: ['hello'],
})

export const Value = Type.String({
  description: 'At most 1 MiB of UTF-8, or its base64 when "values" is "base64".',
  examples: ['world'],
})

export const TimeoutMs = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: MAX_REQUEST_TIMEOUT_MS,
    description: `Milliseconds until the request is given up; ${REQUEST_TIMEOUT_MS} when absent.`,
    examples: [5000],
  }),
)

/** How keys and values are written in a request and its answer. */
export const Encoding = {
  values: Type.Optional({
    type: 'string',
    enum: ['text', 'base64'],
    description:
      'How values are written here and in the answer: as text (the default), or base64 for any bytes. A value that is not UTF-8 is answered in base64 even so, with "encoding":"base64" beside it.',
    examples: ['base64'],
  }),
  keys: Type.Optional({
    type: 'string',
    enum: ['text', 'base64'],
    description: 'The same for keys; the mark beside one is "key_encoding".',
    examples: ['text'],
  }),
}

export const ClientId = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: MAX_CLIENT_ID_SIZE,
    description: 'Chosen by the client and unique to it. Goes with "sequence".',
    examples: ['worker-7f3a'],
  }),
)

export const Sequence = Type.Optional(
  Type.Integer({
    minimum: MIN_CLIENT_SEQUENCE,
    maximum: Number.MAX_SAFE_INTEGER,
    description:
      'A number of its own for every write of this client: the first is 1, and is answered before the next is sent. The last 128 are remembered: the same command sent again with its number is applied once and answered as the first time; another command with it is refused.',
    examples: [42],
  }),
)

export const LogId = Type.Object(
  { term: Count, index: Count },
  { description: 'The position in the replicated log.', examples: [{ term: 1, index: 12 }] },
)

export const revisions = { create_revision: Count, mod_revision: Count, version: Count }

const Base64Mark = { type: 'string', enum: ['base64'] }

/** Stands beside a value that was asked for as text and is none. */
export const ValueMark = {
  ...Base64Mark,
  description: 'There only when "value" was asked for as text and is not UTF-8: it is base64 then.',
}

const entryProperties = {
  key: Type.String(),
  key_encoding: Type.Optional({ ...Base64Mark, description: 'The same for "key".' }),
  value: Type.String(),
  encoding: Type.Optional(ValueMark),
  ...revisions,
}

export const Entry = Type.Object(entryProperties, {
  additionalProperties: false,
  examples: [{ key: 'hello', value: 'world', create_revision: 7, mod_revision: 12, version: 2 }],
})

export const OptionalEntry = {
  type: ['object', 'null'],
  properties: { ...(Type.Object(entryProperties)['properties'] as object) },
  additionalProperties: false,
}

/** The one shape of every refusal, narrowed to the codes that go with a status. */
export function errorSchema(codes: readonly ErrorCode[]): Schema {
  return Type.Object(
    {
      error: Type.Object(
        {
          code: { type: 'string', enum: [...codes], description: 'Stable; made for programs.' },
          message: Type.String({ description: 'What happened, to what, and what to do; made for people.' }),
          retryable: Type.Boolean({ description: 'Whether the request provably changed nothing and may be sent again.' }),
          details: Type.Object({}, { additionalProperties: true, description: 'Facts beside the message.' }),
        },
        { additionalProperties: false },
      ),
    },
    { additionalProperties: false, description: codes.join(', ') },
  )
}

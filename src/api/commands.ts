/**
 * What users write: a {@link WriteCommand} has the shape of the HTTP body. What it becomes, validated and with keys and
 * values as bytes, is the business of the layer `commands`.
 */
import { utf8Encode } from '../lib/index.ts'
import { MAX_KEY_SIZE, MAX_VALUE_SIZE } from '../limits.ts'
import { AspenError } from './errors.ts'
import { givenData } from './given.ts'

/** Text is UTF-8 encoded; bytes are taken as they are. */
export type Data = string | Uint8Array

/** A condition of a transaction, on one key. */
export type WriteCondition =
  | { readonly key: Data; readonly value: Data }
  | { readonly key: Data; readonly mod_revision: number }
  | { readonly key: Data; readonly absent: boolean }

export type WriteOperation =
  | { readonly Set: { readonly key: Data; readonly value: Data } }
  | { readonly Delete: { readonly key: Data } }
  | { readonly Get: { readonly key: Data } }

/** A write as users spell it, in code and in JSON. */
export type WriteCommand =
  | { readonly Set: { readonly key: Data; readonly value: Data } }
  | { readonly SetMulti: { readonly pairs: readonly (readonly [Data, Data])[] } }
  | { readonly Delete: { readonly key: Data } }
  | { readonly DeleteMulti: { readonly keys: readonly Data[] } }
  | {
      readonly Txn: {
        readonly compare: readonly WriteCondition[]
        readonly then: readonly WriteOperation[]
        readonly else?: readonly WriteOperation[]
      }
    }

/**
 * Who sends a command, so that a repeated one is applied once and answered as it was. The last 128 sequences of a client
 * are remembered, each with its command, in any order and any number in flight; a client that wrote nothing for seven days,
 * or before 10,000 others, is forgotten.
 */
export interface ClientSequence {
  /** Chosen by the client, 1 to 64 bytes of UTF-8, unique to it. */
  readonly client: string
  /** A number of its own for every write of this client. The first is 1, and is answered before the next is sent. */
  readonly sequence: number
}

function toBytes(data: unknown, what: string): Uint8Array {
  const given = givenData(data, what)
  return typeof given === 'string' ? utf8Encode(given) : given
}

/** The bytes of a key, which nobody else can change. @throws AspenError INVALID_KEY, KEY_TOO_LARGE, INVALID_REQUEST */
export function toKey(data: Data): Uint8Array {
  const key = toBytes(data, 'the key')
  if (key.length === 0) throw new AspenError('INVALID_KEY', 'the key is empty: a key has 1 to 1024 bytes')
  if (key.length > MAX_KEY_SIZE) {
    throw new AspenError('KEY_TOO_LARGE', `the key has ${key.length} bytes; at most ${MAX_KEY_SIZE} are allowed`, {
      size: key.length,
      limit: MAX_KEY_SIZE,
    })
  }
  return typeof data === 'string' ? key : new Uint8Array(key)
}

/** The bytes of a value; bytes are not copied. @throws AspenError VALUE_TOO_LARGE, INVALID_REQUEST */
export function toValue(data: Data): Uint8Array {
  const value = toBytes(data, 'the value')
  if (value.length > MAX_VALUE_SIZE) {
    throw new AspenError('VALUE_TOO_LARGE', `the value has ${value.length} bytes; at most ${MAX_VALUE_SIZE} are allowed`, {
      size: value.length,
      limit: MAX_VALUE_SIZE,
    })
  }
  return value
}

/**
 * What users write, and what it becomes: a {@link WriteCommand} has the shape of the HTTP body, a
 * {@link Command} is validated, with keys and values as bytes. Everything below the faces sees Commands only.
 */
import { utf8Encode } from '../lib/index.ts'
import { MAX_KEY_SIZE, MAX_VALUE_SIZE } from '../limits.ts'
import { checkWrite } from './check-write.ts'
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

export interface SetOperation {
  readonly type: 'set'
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface DeleteOperation {
  readonly type: 'delete'
  readonly key: Uint8Array
}

export interface GetOperation {
  readonly type: 'get'
  readonly key: Uint8Array
}

export type Operation = SetOperation | DeleteOperation | GetOperation

export type Condition =
  | { readonly type: 'value'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'mod-revision'; readonly key: Uint8Array; readonly modRevision: number }
  | { readonly type: 'absent'; readonly key: Uint8Array; readonly absent: boolean }

/** A validated write. The four plain commands are lists of operations; only a transaction has conditions. */
export type Command =
  | { readonly type: 'batch'; readonly operations: readonly (SetOperation | DeleteOperation)[] }
  | {
      readonly type: 'txn'
      readonly compare: readonly Condition[]
      readonly then: readonly Operation[]
      readonly else: readonly Operation[]
    }

/** Who sends a command, so that a repeated one is applied once and answered with the same log id. */
export interface ClientSequence {
  /** Chosen by the client, 1 to 64 bytes of UTF-8, unique to it. */
  readonly client: string
  /** From 1; grows with every write of this client; one in flight at a time. */
  readonly sequence: number
}

/** What a log entry of kind 'command' carries. */
export interface Envelope {
  readonly origin: ClientSequence | null
  readonly command: Command
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

function toOperation(operation: WriteOperation): Operation {
  if ('Set' in operation) return { type: 'set', key: toKey(operation.Set.key), value: toValue(operation.Set.value) }
  if ('Delete' in operation) return { type: 'delete', key: toKey(operation.Delete.key) }
  return { type: 'get', key: toKey(operation.Get.key) }
}

function toCondition(condition: WriteCondition): Condition {
  const key = toKey(condition.key)
  if ('value' in condition) return { type: 'value', key, value: toValue(condition.value) }
  if ('absent' in condition) return { type: 'absent', key, absent: condition.absent }
  return { type: 'mod-revision', key, modRevision: condition.mod_revision }
}

/**
 * Validates a write, whatever it is given. Values are views of what it was given.
 * @throws AspenError INVALID_REQUEST, INVALID_KEY, KEY_TOO_LARGE, VALUE_TOO_LARGE, BATCH_TOO_LARGE
 */
export function toCommand(given: WriteCommand): Command {
  const write = checkWrite(given)
  if ('Set' in write) {
    return { type: 'batch', operations: [{ type: 'set', key: toKey(write.Set.key), value: toValue(write.Set.value) }] }
  }
  if ('Delete' in write) return { type: 'batch', operations: [{ type: 'delete', key: toKey(write.Delete.key) }] }
  if ('SetMulti' in write) {
    const { pairs } = write.SetMulti
    return { type: 'batch', operations: pairs.map(([key, value]) => ({ type: 'set', key: toKey(key), value: toValue(value) })) }
  }
  if ('DeleteMulti' in write) {
    return { type: 'batch', operations: write.DeleteMulti.keys.map((key) => ({ type: 'delete', key: toKey(key) })) }
  }
  const { compare, then, else: otherwise = [] } = write.Txn
  return { type: 'txn', compare: compare.map(toCondition), then: then.map(toOperation), else: otherwise.map(toOperation) }
}

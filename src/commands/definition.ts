/**
 * What one operation, or one condition, is: everything there is to say of it, in one place. A language is a table of
 * these, so that nothing about an operation can be forgotten.
 */
import type { Data, KeyValue } from '../api/index.ts'
import type { ByteReader, ByteWriter } from '../lib/index.ts'
import type { RowHead } from './ordered-store.ts'

export interface OperationBase {
  readonly type: string
}

export interface ConditionBase {
  readonly type: string
}

export interface ResultBase {
  readonly type: string
}

/** At most what a write adds to the state; what stands around keys included. */
export interface Growth {
  readonly keys: number
  readonly bytes: number
}

/** What a row costs in a snapshot besides its own bytes and its value's. */
export const BYTES_PER_KEY = 64

export const NO_GROWTH: Growth = { keys: 0, bytes: 0 }

/** The keys as a command finds them. */
export interface KeyReader {
  head(key: Uint8Array): RowHead | undefined
  get(key: Uint8Array): KeyValue | undefined
}

/** The keys as a command changes them. What it writes has the command's revision. */
export interface Keys extends KeyReader {
  /** Writes a value: creates the key with version 1, or adds 1 to its version. */
  set(key: Uint8Array, value: Uint8Array): void
  /** Removes a key; false when it does not exist. */
  delete(key: Uint8Array): boolean
}

/** Another spelling of a key or a value, base64 in place of bytes say. */
export type Respell = (data: Data) => Data

/** An object of JSON, or one that a user spells in code: nothing about its members is known. */
export type Spelled = Readonly<Record<string, unknown>>

/** An entry to JSON, in the encodings that its reader asked for; and back. */
export type EntryToJson = (entry: KeyValue) => object
export type EntryFromJson = (json: unknown) => KeyValue

export interface OperationDefinition<O extends OperationBase, R extends ResultBase> {
  readonly type: O['type']
  /** Its name in a WriteCommand and in JSON. */
  readonly name: string
  /** Its code in envelopes and results; never used twice. */
  readonly code: number
  /** The first version of the language that has it. */
  readonly since: number
  /** True: it has nothing to answer, so that a batch may hold it, and be answered when it is committed. */
  readonly answersNothing: boolean
  /** @throws AspenError when it is not spelled as it must be */
  parse(spelled: unknown): O
  /** The same in a copy, with other keys and values; sizes are left to `parse`. @throws AspenError INVALID_REQUEST */
  respell(spelled: unknown, key: Respell, value: Respell): Spelled
  /** Bytes that `write` takes. */
  size(operation: O): number
  write(writer: ByteWriter, operation: O): void
  read(reader: ByteReader): O
  /** What it may add to the keys as they are; what becomes smaller is not set against it. */
  growth(operation: O, keys: KeyReader): Growth
  apply(operation: O, keys: Keys): R
  /** Bytes of keys and values in a result. */
  foundBytes(result: R): number
  writeResult(writer: ByteWriter, result: R): void
  readResult(reader: ByteReader): R
  resultToJson(result: R, entry: EntryToJson): object
  /** `entry` throws when what it is given is none. */
  resultFromJson(json: Spelled, entry: EntryFromJson): R
}

export interface ConditionDefinition<C extends ConditionBase> {
  readonly type: C['type']
  /** The field beside the key that tells it from other conditions. */
  readonly field: string
  readonly code: number
  readonly since: number
  /** `spelled` has the key and the field, and no other members. @throws AspenError when they are not as they must be */
  parse(spelled: Spelled): C
  respell(spelled: Spelled, key: Respell, value: Respell): Spelled
  size(condition: C): number
  write(writer: ByteWriter, condition: C): void
  read(reader: ByteReader): C
  holds(condition: C, keys: KeyReader): boolean
}

export type AnyOperation = OperationDefinition<OperationBase, ResultBase>
export type AnyCondition = ConditionDefinition<ConditionBase>

/** An operation is one object that says all of it, and so is read in one place. */
export function defineOperation<O extends OperationBase, R extends ResultBase>(
  definition: OperationDefinition<O, R>,
): OperationDefinition<O, R> {
  return definition
}

export function defineCondition<C extends ConditionBase>(definition: ConditionDefinition<C>): ConditionDefinition<C> {
  return definition
}

import { givenData, toKey } from '../api/index.ts'
import type { Data, KeyValue } from '../api/index.ts'
import { WireError } from '../lib/index.ts'
import type { ByteReader, ByteWriter } from '../lib/index.ts'
import type { Respell, Spelled } from './definition.ts'
import { USER_KEY_SIZE, USER_VALUE_SIZE } from './semantics.ts'

export function writeKey(writer: ByteWriter, key: Uint8Array): void {
  const { length } = key
  if (length === 0 || length > USER_KEY_SIZE) {
    throw new WireError(`the key has ${length} bytes: 1 to ${USER_KEY_SIZE} are allowed`)
  }
  writer.prefixed(key)
}

export function readKey(reader: ByteReader): Uint8Array {
  return reader.prefixed(1, USER_KEY_SIZE, 'key')
}

export function writeValue(writer: ByteWriter, value: Uint8Array): void {
  const { length } = value
  if (length > USER_VALUE_SIZE) throw new WireError(`the value has ${length} bytes: at most ${USER_VALUE_SIZE} are allowed`)
  writer.prefixed(value)
}

export function readValue(reader: ByteReader): Uint8Array {
  return reader.prefixed(0, USER_VALUE_SIZE, 'value')
}

function revisionsProblem({ createRevision, modRevision, version }: KeyValue): string | undefined {
  if (createRevision >= 1 && createRevision <= modRevision && version >= 1) return undefined
  return `a key was created at ${createRevision}, written at ${modRevision} and has version ${version}`
}

export function writeKeyValue(writer: ByteWriter, entry: KeyValue): void {
  const problem = revisionsProblem(entry)
  if (problem !== undefined) throw new WireError(problem)
  writeKey(writer, entry.key)
  writeValue(writer, entry.value)
  writer.varint(entry.createRevision)
  writer.varint(entry.modRevision)
  writer.varint(entry.version)
}

export function readKeyValue(reader: ByteReader): KeyValue {
  const entry = {
    key: readKey(reader),
    value: readValue(reader),
    createRevision: reader.varint(),
    modRevision: reader.varint(),
    version: reader.varint(),
  }
  const problem = revisionsProblem(entry)
  if (problem !== undefined) reader.fail(problem)
  return entry
}

/** The key that a spelling names. @throws AspenError INVALID_REQUEST, INVALID_KEY, KEY_TOO_LARGE */
export function parseKey(spelled: Spelled): Uint8Array {
  return toKey(spelled['key'] as Data)
}

/** A key or a value in another spelling. @throws AspenError INVALID_REQUEST when it is neither text nor bytes */
export function respellData(data: unknown, what: string, respell: Respell): Data {
  return respell(givenData(data, what))
}

export function isSpelled(value: unknown): value is Spelled {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

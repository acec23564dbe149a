import { MAX_KEY_SIZE, MAX_VALUE_SIZE } from '../limits.ts'
import type { ByteReader, ByteWriter } from '../lib/index.ts'
import { WireError } from '../lib/index.ts'

export function writeKey(writer: ByteWriter, key: Uint8Array): void {
  const { length } = key
  if (length === 0 || length > MAX_KEY_SIZE) throw new WireError(`the key has ${length} bytes: 1 to ${MAX_KEY_SIZE} are allowed`)
  writer.prefixed(key)
}

export function readKey(reader: ByteReader): Uint8Array {
  return reader.prefixed(1, MAX_KEY_SIZE, 'key')
}

export function writeValue(writer: ByteWriter, value: Uint8Array): void {
  const { length } = value
  if (length > MAX_VALUE_SIZE) throw new WireError(`the value has ${length} bytes: at most ${MAX_VALUE_SIZE} are allowed`)
  writer.prefixed(value)
}

export function readValue(reader: ByteReader): Uint8Array {
  return reader.prefixed(0, MAX_VALUE_SIZE, 'value')
}

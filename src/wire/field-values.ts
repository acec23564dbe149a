/** What stands in tagged fields: one value each, to its last byte. */
import { ByteReader, ByteWriter, WireError } from '../lib/index.ts'

export function bytesOf(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter()
  write(writer)
  return writer.finish()
}

export function textOf(text: string, max: number, name: string): Uint8Array {
  return bytesOf((field) => field.string(text, 1, max, name))
}

/** @throws WireError for a field that is not there, and for one with more in it */
export function valueOf<T>(bytes: Uint8Array | undefined, name: string, read: (field: ByteReader) => T): T {
  if (bytes === undefined) throw new WireError(`there is no ${name}`)
  const field = new ByteReader(bytes, name)
  const value = read(field)
  field.expectEnd()
  return value
}

export function wholeOf(bytes: Uint8Array | undefined, min: number, name: string): number {
  return valueOf(bytes, name, (field) => field.varintWithin(min, Number.MAX_SAFE_INTEGER, name))
}

export function stringOf(bytes: Uint8Array | undefined, max: number, name: string): string {
  return valueOf(bytes, name, (field) => field.string(1, max, name))
}

/** Nothing is an empty list. */
export function listOf<T>(bytes: Uint8Array | undefined, most: number, name: string, read: (list: ByteReader) => T): T[] {
  const list = new ByteReader(bytes ?? new Uint8Array(0), name)
  const items: T[] = []
  while (list.remaining > 0) {
    if (items.length === most) list.fail(`more than ${most} of ${name}`)
    items.push(read(list))
  }
  return items
}

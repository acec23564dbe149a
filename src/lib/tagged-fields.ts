/**
 * How a record leaves room for what later versions have to add: fields with a number, a length and bytes, in ascending order of
 * their numbers, to the end of what they stand in. A reader skips those it does not know. A field with an odd number must be
 * understood: a reader that does not know it may not act on the record at all, and says so.
 */
import { fail } from './assert.ts'
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { WireError } from './wire-error.ts'

/** Fields in one record. Their bytes are bounded by the record they stand in. */
export const MAX_TAGGED_FIELDS = 64

/** A record holds a field that this version does not know and may not skip. */
export class UnknownFieldError extends WireError {}

export type TaggedField = readonly [tag: number, bytes: Uint8Array]

/** Tags from 1 on, ascending. */
export function writeTaggedFields(writer: ByteWriter, fields: readonly TaggedField[]): void {
  if (!(fields.length <= MAX_TAGGED_FIELDS)) fail(`${fields.length} tagged fields`)
  let last = 0
  for (const [tag, bytes] of fields) {
    if (!(tag > last)) fail(`field ${tag} after field ${last}`)
    writer.varint(tag)
    writer.prefixed(bytes)
    last = tag
  }
}

/**
 * The fields up to the end of the bytes, as views of them: those of `known`, which are in the map by their tag, and no others.
 * @throws WireError for what is not fields; {@link UnknownFieldError} for an unknown one that must be understood
 */
export function readTaggedFields(reader: ByteReader, known: readonly number[]): ReadonlyMap<number, Uint8Array> {
  const fields = new Map<number, Uint8Array>()
  let last = 0
  for (let count = 0; reader.remaining > 0; count++) {
    if (count === MAX_TAGGED_FIELDS) reader.fail(`more than ${MAX_TAGGED_FIELDS} tagged fields`)
    const tag = reader.varint()
    if (tag <= last) reader.fail(`field ${tag} follows field ${last}`)
    last = tag
    const bytes = reader.view(reader.varint())
    if (known.includes(tag)) fields.set(tag, bytes)
    else if (tag % 2 === 1) throw new UnknownFieldError(`field ${tag} must be understood, and this version does not know it`)
  }
  return fields
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { MAX_TAGGED_FIELDS, readTaggedFields, UnknownFieldError, writeTaggedFields } from './tagged-fields.ts'
import type { TaggedField } from './tagged-fields.ts'
import { WireError } from './wire-error.ts'

function written(fields: readonly TaggedField[]): Uint8Array {
  const writer = new ByteWriter()
  writeTaggedFields(writer, fields)
  return writer.finish()
}

function read(bytes: Uint8Array, known: readonly number[]): [number, string][] {
  return Array.from(readTaggedFields(new ByteReader(bytes, 'record'), known), ([tag, value]) => [tag, value.toHex()])
}

test('writeTaggedFields: keeps its bytes', () => {
  assert.equal(
    written([
      [2, Uint8Array.of(7)],
      [300, new Uint8Array(0)],
    ]).toHex(),
    '020107' + 'ac0200',
  )
})

test('readTaggedFields: gives the known ones, whatever else is there, if it may be skipped', () => {
  const tags = fc.uniqueArray(fc.integer({ min: 1, max: 1_000 }), { maxLength: MAX_TAGGED_FIELDS })
  fc.assert(
    fc.property(tags, tags, fc.uint8Array({ maxLength: 20 }), (some, known, value) => {
      const fields = some.toSorted((a, b) => a - b).map((tag) => [tag, value] as const)
      const bytes = written(fields)
      if (some.some((tag) => tag % 2 === 1 && !known.includes(tag))) {
        assert.throws(() => read(bytes, known), UnknownFieldError)
        return
      }
      const expected = fields.filter(([tag]) => known.includes(tag)).map(([tag]) => [tag, value.toHex()])
      assert.deepEqual(read(bytes, known), expected)
    }),
  )
})

test('readTaggedFields: refuses fields out of order or twice, cut ones, and too many', () => {
  for (const hex of ['0400' + '0200', '0200' + '0200', '00' + '00', '0205' + '01', '02', '02ff']) {
    assert.throws(() => read(Uint8Array.fromHex(hex), [2, 4]), WireError, hex)
  }
  const many = Array.from({ length: MAX_TAGGED_FIELDS }, (_, i) => [2 * i + 2, new Uint8Array(0)] as const)
  assert.equal(read(written(many), [2]).length, 1)
  const writer = new ByteWriter()
  writeTaggedFields(writer, many)
  writer.varint(1_000)
  writer.prefixed(new Uint8Array(0))
  assert.throws(() => read(writer.finish(), [2]), /more than 64/)
})

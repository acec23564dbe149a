import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ByteWriter, concatBytes, varintSize, WireError } from './index.ts'
import { COPY_LIMIT } from './byte-writer.ts'

const number = fc.oneof(fc.maxSafeNat(), fc.nat(300))

function written(write: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter()
  write(writer)
  return writer.finish().toHex()
}

describe('ByteWriter', () => {
  test('constructor: refuses a size that is none, and writers after it are as sound as before', () => {
    const sizes: unknown[] = [Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY, 2 ** 53, '5', null, {}]
    for (const size of sizes) {
      assert.throws(() => new ByteWriter(size as number), WireError, String(size))
      assert.equal(
        written((w) => w.varint(300)),
        'ac02',
      )
    }
  })

  test('varint: is little-endian base 128 with as few bytes as possible', () => {
    const golden: [number, string][] = [
      [0, '00'],
      [127, '7f'],
      [128, '8001'],
      [300, 'ac02'],
      [16_383, 'ff7f'],
      [16_384, '808001'],
      [0x7fff_ffff, 'ffffffff07'],
      [0x8000_0000, '8080808008'],
      [0xffff_ffff, 'ffffffff0f'],
      [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
    ]
    for (const [value, hex] of golden)
      assert.equal(
        written((w) => w.varint(value)),
        hex,
      )
  })

  test('varintSize: is what varint writes', () => {
    for (let septets = 1; septets <= 7; septets++) {
      assert.equal(varintSize(2 ** (7 * septets) - 1), septets)
      assert.equal(varintSize(2 ** (7 * septets)), septets + 1)
    }
    fc.assert(fc.property(number, (value) => assert.equal(written((w) => w.varint(value)).length / 2, varintSize(value))))
  })

  test('u8, u32, f64: are little-endian', () => {
    const hex = written((w) => {
      w.u8(255)
      w.u32(0xdead_beef)
      w.f64(-1.5)
    })
    assert.equal(hex, 'ff efbeadde 000000000000f8bf'.replaceAll(' ', ''))
  })

  test('u8, u32, varint: throw WireError when the number does not fit', () => {
    for (const bad of [-1, 256, 0.5, Number.NaN]) assert.throws(() => written((w) => w.u8(bad)), WireError)
    for (const bad of [-1, 2 ** 32, 0.5, Number.NaN]) assert.throws(() => written((w) => w.u32(bad)), WireError)
    for (const bad of [-1, 2 ** 53, 0.5, Number.NaN, Infinity]) assert.throws(() => written((w) => w.varint(bad)), WireError)
  })

  test('string: throws WireError when the text is not Unicode or has too few or too many bytes', () => {
    assert.equal(
      written((w) => w.string('é', 1, 2, 'name')),
      '02c3a9',
    )
    assert.throws(() => written((w) => w.string('\ud800', 0, 9, 'name')), /the name has a lone surrogate/)
    assert.throws(() => written((w) => w.string('é', 0, 1, 'name')), /the name has 2 bytes: 0 to 1 are allowed/)
    assert.throws(() => written((w) => w.string('', 1, 9, 'name')), WireError)
  })

  test('text: is UTF-8 with its length before it, for short and long strings alike', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.nat(50), (text, before) => {
        const hex = written((w) => {
          for (let i = 0; i < before; i++) w.u8(7)
          w.text(text)
        })
        const expected = written((w) => w.string(text, 0, 10_000, 'text'))
        assert.equal(hex, '07'.repeat(before) + expected)
      }),
    )
  })

  test('hex32: throws WireError when it is not 64 lower-case digits', () => {
    for (const bad of ['', 'a'.repeat(63), 'A'.repeat(64), 'g'.repeat(64), `${'a'.repeat(64)}\n`]) {
      assert.throws(() => written((w) => w.hex32(bad, 'key')), WireError)
    }
  })

  test('finish: returns all bytes when the capacity was too small, right or too large', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 8 })
    fc.assert(
      fc.property(pieces, fc.nat(9000), (list, capacity) => {
        const writer = new ByteWriter(capacity)
        for (const piece of list) writer.raw(piece)
        const expected = concatBytes(list)
        assert.equal(writer.size, expected.length)
        assert.deepEqual(new Uint8Array(writer.finish()), expected)
      }),
    )
  })

  test('finish: leaves the bytes of other writers alone when several write at once', () => {
    const writers = fc.array(fc.tuple(fc.nat(600), fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 3, maxLength: 3 })), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(writers, (list) => {
        const open = list.map(([capacity, pieces]) => ({ writer: new ByteWriter(capacity), pieces }))
        for (let round = 0; round < 3; round++) for (const { writer, pieces } of open) writer.raw(pieces[round] as Uint8Array)
        const done = open.map(({ writer, pieces }) => ({ bytes: writer.finish(), pieces }))
        for (const { bytes, pieces } of done) assert.deepEqual(new Uint8Array(bytes), concatBytes(pieces))
      }),
      { numRuns: 300 },
    )
  })

  test('finishParts: hands on large payloads uncopied and packs the rest', () => {
    const large = new Uint8Array(COPY_LIMIT + 1).fill(7)
    const small = new Uint8Array(COPY_LIMIT).fill(8)
    const writer = new ByteWriter()
    writer.u8(1)
    writer.payload(small)
    writer.payload(large)
    writer.payload(large)
    writer.u8(2)
    const size = writer.size
    const parts = writer.finishParts()
    assert.deepEqual(
      parts.map((part) => part.length),
      [1 + COPY_LIMIT, large.length, large.length, 1],
    )
    assert.equal(parts[1], large)
    assert.equal(parts[2], large)
    assert.equal(size, concatBytes(parts).length)
  })
})

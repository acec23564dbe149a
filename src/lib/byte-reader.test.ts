import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ByteReader, ByteWriter, WireError } from './index.ts'

const number = fc.oneof(fc.maxSafeNat(), fc.nat(300))

function reader(hex: string): ByteReader {
  return new ByteReader(Uint8Array.fromHex(hex), 'thing')
}

describe('ByteReader', () => {
  test('reads what a ByteWriter wrote', () => {
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
    fc.assert(
      fc.property(
        number,
        u32,
        fc.double(),
        fc.uint8Array(),
        fc.string({ unit: 'grapheme' }),
        (varint, word, double, bytes, text) => {
          const writer = new ByteWriter(0)
          writer.varint(varint)
          writer.u32(word)
          writer.f64(double)
          writer.prefixed(bytes)
          writer.string(text, 0, 1000, 'text')
          const back = new ByteReader(writer.finish(), 'thing')
          assert.equal(back.varint(), varint)
          assert.equal(back.u32(), word)
          assert.equal(back.f64(), double)
          assert.deepEqual(back.prefixed(0, 1000, 'bytes'), bytes)
          assert.equal(back.string(0, 1000, 'text'), text)
          back.expectEnd()
        },
      ),
    )
  })

  test('varint: throws WireError when it is longer than it needs to be, too large, or cut', () => {
    for (const hex of ['8000', 'ff00', '808000']) assert.throws(() => reader(hex).varint(), /longer than it needs to be/)
    for (const hex of ['ffffffffffffff10', 'ffffffffffffff7f', 'ffffffffffffffff01', '808080808080808080']) {
      assert.throws(() => reader(hex).varint(), /larger than 2\^53-1/)
    }
    for (const hex of ['', '80', 'ffffff']) assert.throws(() => reader(hex).varint(), /it ends too early/)
  })

  test('every method: throws WireError when the bytes end too early', () => {
    const reads: ((r: ByteReader) => unknown)[] = [
      (r) => r.u8(),
      (r) => r.u32(),
      (r) => r.f64(),
      (r) => r.view(4),
      (r) => r.hex32(),
    ]
    for (const read of reads) {
      const short = new ByteReader(Uint8Array.fromHex('ffffffffff').subarray(1, 4), 'thing')
      if (read === reads[0]) short.rest()
      assert.throws(() => read(short), WireError)
    }
    assert.throws(() => reader('05aabb').prefixed(0, 9, 'key'), /5 bytes should follow, but only 2 are left/)
  })

  test('bounds: throw WireError that names what was out of bounds', () => {
    assert.throws(() => reader('05').varintWithin(6, 9, 'term'), /the term is 5: it must be from 6 to 9/)
    assert.throws(() => reader('0a').varintWithin(6, 9, 'term'), /the term is 10/)
    assert.throws(() => reader('02aabb').prefixed(3, 9, 'key'), /the key has 2 bytes: 3 to 9 are allowed/)
    assert.throws(() => reader('02aabb').prefixed(0, 1, 'key'), /the key has 2 bytes/)
    assert.throws(() => reader('04').byteBelow(4, 'set of flags'), /4 is no set of flags/)
    assert.equal(reader('03').byteBelow(4, 'set of flags'), 3)
  })

  test('count: throws WireError before anything is allocated when the bytes left cannot hold as many', () => {
    assert.equal(reader('02aabbccdd').count(10, 2, 'items'), 2)
    assert.throws(() => reader('03aabbccdd').count(10, 2, 'items'), /it claims 3 items, but only 4 bytes are left/)
    assert.throws(() => reader('0baabbccdd').count(10, 0, 'items'), /at most 10 are allowed/)
    assert.throws(() => reader('ffffffffffffff0f').count(Number.MAX_SAFE_INTEGER, 2, 'items'), WireError)
  })

  test('string: throws WireError when the bytes are not UTF-8', () => {
    assert.throws(() => reader('02c328').string(0, 9, 'name'), /the name is not valid UTF-8/)
    assert.equal(reader('03efbbbf').string(0, 9, 'name'), '\ufeff')
  })

  test('view: is a plain Uint8Array of the same memory when the bytes are a Buffer', () => {
    const buffer = Buffer.from('00aabbcc', 'hex').subarray(1)
    const view = new ByteReader(buffer, 'thing').rest()
    assert.equal(Object.getPrototypeOf(view), Uint8Array.prototype)
    assert.deepEqual(view, Uint8Array.of(0xaa, 0xbb, 0xcc))
    assert.equal(view.buffer, buffer.buffer)
  })

  test('expectEnd: throws WireError when bytes are left', () => {
    const two = reader('0102')
    assert.equal(two.u8(), 1)
    assert.throws(() => two.expectEnd(), /malformed thing of 2 bytes, at byte 1: 1 bytes too many/)
  })
})

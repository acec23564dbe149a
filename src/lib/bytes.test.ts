import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compareBytes, concatBytes, equalBytes, prefixEnd, utf8Decode, utf8Encode } from './bytes.ts'

/** Short strings over few bytes, so that prefixes, ties and runs of 0xff come up often. */
const bytes = fc.array(fc.constantFrom(0, 1, 0x7f, 0x80, 0xfe, 0xff), { maxLength: 5 }).map((list) => Uint8Array.from(list))

describe('compareBytes', () => {
  test('compareBytes: orders as Buffer.compare does', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(a, b))
        assert.equal(equalBytes(a, b), Buffer.compare(a, b) === 0)
      }),
    )
  })

  test('compareBytes: bytes are unsigned and a prefix comes first', () => {
    assert.ok(compareBytes(Uint8Array.of(0x80), Uint8Array.of(0x7f)) > 0)
    assert.ok(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0)) < 0)
    assert.equal(compareBytes(new Uint8Array(0), new Uint8Array(0)), 0)
  })
})

describe('concatBytes', () => {
  test('concatBytes: joins the parts in order into bytes of their own', () => {
    fc.assert(
      fc.property(fc.array(bytes), (parts) => {
        assert.deepEqual([...concatBytes(parts)], [...Buffer.concat(parts)])
      }),
    )
    const part = Uint8Array.of(7)
    const all = concatBytes([part])
    part[0] = 8
    assert.equal(all[0], 7)
  })
})

describe('prefixEnd', () => {
  test('prefixEnd: separates the keys with the prefix from those after it', () => {
    fc.assert(
      fc.property(bytes, bytes, bytes, (prefix, rest, other) => {
        const end = prefixEnd(prefix)
        if (end === undefined) {
          assert.ok(prefix.every((byte) => byte === 0xff))
          return
        }
        assert.ok(compareBytes(concatBytes([prefix, rest]), end) < 0)
        const hasPrefix = equalBytes(other.subarray(0, prefix.length), prefix)
        if (!hasPrefix && compareBytes(other, prefix) > 0) assert.ok(compareBytes(other, end) >= 0)
      }),
    )
  })

  test('prefixEnd: carries over bytes that are 0xff, and has no answer when all are', () => {
    assert.deepEqual(prefixEnd(Uint8Array.of(1, 0xff, 0xff)), Uint8Array.of(2))
    assert.deepEqual(prefixEnd(Uint8Array.of(1, 2)), Uint8Array.of(1, 3))
    assert.equal(prefixEnd(Uint8Array.of(0xff, 0xff)), undefined)
    assert.equal(prefixEnd(new Uint8Array(0)), undefined)
  })

  test('prefixEnd: leaves the prefix as it is, also when it is a Buffer', () => {
    const prefix = Buffer.from([1, 2])
    prefixEnd(prefix)
    assert.deepEqual([...prefix], [1, 2])
  })
})

describe('UTF-8', () => {
  test('utf8Decode: gives back what utf8Encode took, a byte order mark included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        if (text.isWellFormed()) assert.equal(utf8Decode(utf8Encode(text)), text)
      }),
    )
    assert.equal(utf8Decode(utf8Encode('\uFEFFx')), '\uFEFFx')
  })

  test('utf8Decode: is undefined for bytes that are not UTF-8', () => {
    for (const bad of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
      assert.equal(utf8Decode(Uint8Array.from(bad)), undefined)
    }
  })
})

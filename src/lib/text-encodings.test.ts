import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromBase64url, fromHex, toBase64url, toHex, toZBase32 } from './text-encodings.ts'

const bytes = fc.uint8Array({ maxLength: 100 })

test('toHex, fromHex: write what Buffer writes, and read it back', () => {
  fc.assert(
    fc.property(bytes, (given) => {
      const text = toHex(given)
      assert.equal(text, Buffer.from(given).toString('hex'))
      assert.deepEqual(fromHex(text), new Uint8Array(given))
      assert.deepEqual(fromHex(text.toUpperCase()), new Uint8Array(given))
    }),
  )
})

test('toBase64url, fromBase64url: write what Buffer writes, and read it back', () => {
  fc.assert(
    fc.property(bytes, (given) => {
      const text = toBase64url(given)
      assert.equal(text, Buffer.from(given).toString('base64url'))
      assert.deepEqual(fromBase64url(text), new Uint8Array(given))
    }),
  )
})

test('fromHex, fromBase64url: take nothing that they would not write', () => {
  for (const text of ['a', 'zz', '0x', ' 00', '00 ', 'é0']) assert.throws(() => fromHex(text), SyntaxError, text)
  for (const text of ['A', 'AAAAA', 'AB', 'AAB', 'AA==', 'A+', 'A/', 'A A', 'Aé'])
    assert.throws(() => fromBase64url(text), SyntaxError, text)
  fc.assert(
    fc.property(fc.string(), (text) => {
      let back: Uint8Array
      try {
        back = fromBase64url(text)
      } catch {
        return
      }
      assert.equal(toBase64url(back), text)
    }),
    { examples: [['']] },
  )
})

test('toZBase32: writes the examples of its specification', () => {
  assert.equal(toZBase32(fromHex('f0bfc7')), '6n9hq')
  assert.equal(toZBase32(fromHex('d47a04')), '4t7ye')
  assert.equal(toZBase32(new Uint8Array(0)), '')
})

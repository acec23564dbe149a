import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8Encode } from './bytes.ts'
import { murmur64 } from './murmur3.ts'

test('murmur64: never changes, and every bit of the input counts', () => {
  const text = utf8Encode('the quick brown fox jumps over the lazy dog')
  assert.equal(murmur64(new Uint8Array(0)).toHex(), '0000000000000000')
  const seen = new Set([murmur64(text).toHex()])
  for (let bit = 0; bit < text.length * 8; bit++) {
    const flipped = new Uint8Array(text)
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    seen.add(murmur64(flipped).toHex())
  }
  for (let length = 0; length < text.length; length++) seen.add(murmur64(text.subarray(0, length)).toHex())
  assert.equal(seen.size, 1 + text.length * 8 + text.length)
})

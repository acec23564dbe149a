import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8Encode } from '../../lib/index.ts'
import { generateIdentity, identityFromSeed } from './identity.ts'
import { signaturesOf } from './signatures.ts'

// RFC 8032, section 7.1, test 2.
const SEED = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'
const KEY = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'
const SIGNATURE =
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'

test('signaturesOf: are those of RFC 8032', () => {
  const { endpointId, sign, verify } = signaturesOf(identityFromSeed(Uint8Array.fromHex(SEED)))
  assert.equal(endpointId, KEY)
  const bytes = Uint8Array.of(0x72)
  assert.equal(sign(bytes).toHex(), SIGNATURE)
  assert.ok(verify(KEY, bytes, Uint8Array.fromHex(SIGNATURE)))
})

test('signaturesOf: another key, other bytes, a damaged signature and what is no key or no signature do not pass', () => {
  const own = signaturesOf(generateIdentity())
  const other = signaturesOf(generateIdentity())
  const bytes = utf8Encode('what is said')
  const signature = own.sign(bytes)
  assert.ok(other.verify(own.endpointId, bytes, signature))
  assert.ok(!other.verify(other.endpointId, bytes, signature))
  assert.ok(!other.verify(own.endpointId, utf8Encode('what is sald'), signature))
  for (let bit = 0; bit < 512; bit += 37) {
    const damaged = signature.slice()
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.ok(!other.verify(own.endpointId, bytes, damaged))
  }
  for (const size of [0, 63, 65]) assert.ok(!other.verify(own.endpointId, bytes, new Uint8Array(size)))
  for (const key of ['', 'ff'.repeat(32), 'zz'.repeat(32), own.endpointId.toUpperCase()]) {
    assert.ok(!other.verify(key, bytes, signature))
  }
  // More than are kept.
  for (let i = 0; i < 300; i++) assert.ok(!other.verify(i.toString(16).padStart(64, '0'), bytes, signature))
  assert.ok(other.verify(own.endpointId, bytes, signature))
})

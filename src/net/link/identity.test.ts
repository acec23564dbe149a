import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEndpointId } from '../../api/index.ts'
import { generateIdentity, identityFromSeed } from './identity.ts'

// RFC 8032, section 7.1, test 1.
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
const PUBLIC_KEY = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'

test('identityFromSeed: derives the public key of RFC 8032', () => {
  assert.equal(identityFromSeed(Uint8Array.fromHex(SEED)).endpointId, PUBLIC_KEY)
})

test('identityFromSeed: refuses a seed of another size', () => {
  assert.throws(() => identityFromSeed(new Uint8Array(31)), /32 bytes/)
})

test('generateIdentity: draws another key every time', () => {
  const [a, b] = [generateIdentity(), generateIdentity()]
  assert.notEqual(a.endpointId, b.endpointId)
  assert.ok(isEndpointId(a.endpointId))
})

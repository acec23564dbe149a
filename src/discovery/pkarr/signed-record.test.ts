import assert from 'node:assert/strict'
import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { test } from 'node:test'
import { fromHex, utf8Encode } from '../../lib/index.ts'
import { MAX_PKARR_PAYLOAD_SIZE, MAX_PKARR_VALUE_SIZE } from '../../limits.ts'
import type { Signatures } from '../../ports/index.ts'
import { fromPayload, isSignedBy, signedBytes, signRecord, toPayload } from './signed-record.ts'

/** Over Node's crypto, by the form of a key that is not the one in use elsewhere. */
function signaturesOf(): Signatures {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const x = publicKey.export({ format: 'jwk' }).x as string
  return {
    endpointId: Buffer.from(x, 'base64url').toString('hex'),
    sign: (bytes) => sign(null, bytes, privateKey),
    verify: verifies,
  }
}

function verifies(endpointId: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  const x = Buffer.from(endpointId, 'hex').toString('base64url')
  return verify(null, bytes, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), signature)
}

test('signedBytes: what BEP 44 signs, by its first test vector', () => {
  const key = '77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548'
  const signature = fromHex(
    '305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01',
  )
  const record = { sequence: 1, value: utf8Encode('Hello World!'), signature }
  assert.equal(Buffer.from(signedBytes(record)).toString(), '3:seqi1e1:v12:Hello World!')
  assert.equal(isSignedBy(key, record, { endpointId: key, sign: (bytes) => bytes, verify: verifies }), true)
  assert.equal(createHash('sha1').update(fromHex(key)).digest('hex'), '4a533d47ec9c7d95b1ad75f576cffc641853b750')
})

test('signRecord, toPayload, fromPayload: 64 bytes of signature, 8 of sequence, and the value', () => {
  const own = signaturesOf()
  const record = signRecord(own, 1_700_000_000_123_456, utf8Encode('value'))
  const payload = toPayload(record)
  assert.equal(payload.subarray(64).toString('hex'), `00060a2418202240${Buffer.from('value').toString('hex')}`)
  const back = fromPayload(payload)
  assert.ok(back !== null)
  assert.equal(isSignedBy(own.endpointId, back, own), true)
  assert.deepEqual([back.sequence, Buffer.from(back.value).toString()], [1_700_000_000_123_456, 'value'])
})

test('isSignedBy: refuses each bit that was changed, other keys, and odd numbers', () => {
  const own = signaturesOf()
  const payload = toPayload(signRecord(own, 5, utf8Encode('value')))
  for (let at = 0; at < payload.length; at++) {
    const changed = Buffer.from(payload)
    changed[at] = (changed[at] ?? 0) ^ 1
    const record = fromPayload(changed)
    assert.equal(record !== null && isSignedBy(own.endpointId, record, own), false, `byte ${at}`)
  }
  const record = signRecord(own, 5, utf8Encode('value'))
  assert.equal(isSignedBy(signaturesOf().endpointId, record, own), false)
  for (const sequence of [-5, 1.5, Number.NaN, 2 ** 53]) {
    const odd = signRecord(own, sequence, utf8Encode('value'))
    assert.equal(isSignedBy(own.endpointId, odd, own), false, String(sequence))
  }
  const large = signRecord(own, 5, new Uint8Array(MAX_PKARR_VALUE_SIZE + 1))
  assert.equal(isSignedBy(own.endpointId, large, own), false)
})

test('fromPayload: refuses what is too short, too long, or of a sequence that no number is exact for', () => {
  assert.equal(fromPayload(Buffer.alloc(71)), null)
  assert.notEqual(fromPayload(Buffer.alloc(72)), null)
  assert.notEqual(fromPayload(Buffer.alloc(MAX_PKARR_PAYLOAD_SIZE)), null)
  assert.equal(fromPayload(Buffer.alloc(MAX_PKARR_PAYLOAD_SIZE + 1)), null)
  assert.equal(fromPayload(Buffer.alloc(100, 0xff)), null)
})

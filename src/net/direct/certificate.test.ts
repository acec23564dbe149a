import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { createCertificate } from './certificate.ts'
import { endpointIdOf, generateIdentity, identityFromSeed } from '../link/index.ts'

test('createCertificate: shows the identity\u2019s key, signed by it', () => {
  const identity = generateIdentity()
  const certificate = new X509Certificate(createCertificate(identity))
  assert.equal(endpointIdOf(certificate.publicKey), identity.endpointId)
  assert.ok(certificate.verify(certificate.publicKey))
  assert.ok(!certificate.verify(new X509Certificate(createCertificate(generateIdentity())).publicKey))
})

test('createCertificate: names the key as subject and issuer, from 2020 on without an end', () => {
  const identity = generateIdentity()
  const certificate = new X509Certificate(createCertificate(identity))
  assert.deepEqual([certificate.subject, certificate.issuer], [`CN=${identity.endpointId}`, `CN=${identity.endpointId}`])
  const valid = [certificate.validFromDate, certificate.validToDate].map((date) => date.toISOString())
  assert.deepEqual(valid, ['2020-01-01T00:00:00.000Z', '9999-12-31T23:59:59.000Z'])
  assert.equal(certificate.serialNumber, '01')
})

test('createCertificate: has the same bytes every time, as text of RFC 7468', () => {
  const identity = identityFromSeed(new Uint8Array(32).fill(1))
  const certificate = createCertificate(identity)
  assert.equal(createCertificate(identity), certificate)
  assert.equal(new X509Certificate(certificate).toString(), certificate)
})

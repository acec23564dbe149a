// @peculiar/x509 needs the metadata API in place before it is loaded.
// oxlint-disable-next-line import/no-unassigned-import
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { X509CertificateGenerator } from '@peculiar/x509'
import type { NodeIdentity } from './identity.ts'

// Peers compare the key and look at nothing else, so the certificate is valid for ever and the same every time.
const NOT_BEFORE = new Date('2020-01-01T00:00:00Z')
const NOT_AFTER = new Date('9999-12-31T23:59:59Z')

/** A self-signed certificate (PEM) for this identity's key: what TLS wants to see around a raw public key. */
export async function createCertificate(identity: NodeIdentity): Promise<string> {
  const der = identity.privateKey.export({ format: 'der', type: 'pkcs8' })
  const jwk = identity.privateKey.export({ format: 'jwk' })
  const publicJwk = { kty: jwk.kty, crv: jwk.crv, x: jwk.x } as webcrypto.JsonWebKey
  const { subtle } = webcrypto
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${identity.endpointId}`,
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
    signingAlgorithm: { name: 'Ed25519' },
    keys: {
      privateKey: await subtle.importKey('pkcs8', der, 'Ed25519', false, ['sign']),
      publicKey: await subtle.importKey('jwk', publicJwk, 'Ed25519', true, ['verify']),
    },
  })
  return certificate.toString('pem')
}

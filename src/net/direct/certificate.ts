/**
 * The certificate that TLS wants to see around a node's public key. It says nothing but the key, has one shape for
 * ever and the same bytes every time, so it is written down here in DER (RFC 5280, RFC 8410): the libraries that
 * make certificates would take a third of a node's start.
 */
import { createPublicKey, sign } from 'node:crypto'
import { fail } from '../../lib/index.ts'
import type { NodeIdentity } from '../link/index.ts'

// Tags of ASN.1 (X.690).
const INTEGER = 0x02
const BIT_STRING = 0x03
const UTF8_STRING = 0x0c
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
const SEQUENCE = 0x30
const SET = 0x31
const EXPLICIT_0 = 0xa0

/** Up to here a length is its own byte; above, a byte says in how many it follows. */
const MAX_SHORT_LENGTH = 0x7f
const MAX_LENGTH = 0xffff

function derLength(length: number): readonly number[] {
  if (!(length <= MAX_LENGTH)) fail(`a DER value of ${length} bytes; a certificate of this shape has none over ${MAX_LENGTH}`)
  if (length <= MAX_SHORT_LENGTH) return [length]
  return length <= 0xff ? [0x81, length] : [0x82, length >>> 8, length & 0xff]
}

/** A value with its tag and length before it. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Uint8Array.of(tag, ...derLength(body.length)), body])
}

const text = (tag: number, value: string): Buffer => der(tag, Buffer.from(value))

/** AlgorithmIdentifier: id-Ed25519, 1.3.101.112. */
const ED25519 = Buffer.from('300506032b6570', 'hex')
/** AttributeType: id-at-commonName, 2.5.4.3. */
const COMMON_NAME = Buffer.from('0603550403', 'hex')

// Peers compare the key and look at nothing else. RFC 5280 section 4.1.2.5: dates before 2050 are UTCTime; the second
// is its "no well-defined expiration".
const VALIDITY = der(SEQUENCE, text(UTC_TIME, '200101000000Z'), text(GENERALIZED_TIME, '99991231235959Z'))
const VERSION_3 = der(EXPLICIT_0, der(INTEGER, Uint8Array.of(2)))
const SERIAL_NUMBER = der(INTEGER, Uint8Array.of(1))
const NO_UNUSED_BITS = Uint8Array.of(0)

/** A self-signed certificate (PEM) for this identity's key, valid from 2020 on without an end. */
export function createCertificate(identity: NodeIdentity): string {
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, text(UTF8_STRING, identity.endpointId))))
  const publicKey = createPublicKey(identity.privateKey).export({ format: 'der', type: 'spki' })
  const toBeSigned = der(SEQUENCE, VERSION_3, SERIAL_NUMBER, ED25519, name, VALIDITY, name, publicKey)
  const signature = der(BIT_STRING, NO_UNUSED_BITS, sign(null, toBeSigned, identity.privateKey))
  return toPem(der(SEQUENCE, toBeSigned, ED25519, signature))
}

/** RFC 7468: lines of 64 characters. */
function toPem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { assert, fail, fromHex } from '../../lib/index.ts'

export const SEED_SIZE = 32

/** A node's Ed25519 key pair. The node is its key: whoever has the seed is the node. */
export interface NodeIdentity {
  /** The private key as RFC 8032 has it: 32 random bytes. Secret. */
  readonly seed: Uint8Array
  /** The public key, lower-case hex, 64 characters. */
  readonly endpointId: string
  readonly privateKey: KeyObject
}

// RFC 8410: what stands before the 32 bytes of a private key in PKCS #8.
const PKCS8_PREFIX = fromHex('302e020100300506032b657004220420')

export function generateIdentity(): NodeIdentity {
  return identityFromSeed(randomBytes(SEED_SIZE))
}

/** `seed` must have 32 bytes. */
export function identityFromSeed(seed: Uint8Array): NodeIdentity {
  if (seed.length !== SEED_SIZE) fail(`an Ed25519 seed has ${SEED_SIZE} bytes, not ${seed.length}`)
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const endpointId = endpointIdOf(createPublicKey(privateKey))
  assert(endpointId !== undefined, 'an Ed25519 private key has an Ed25519 public key')
  return { seed: Uint8Array.from(seed), endpointId, privateKey }
}

/** The endpoint id of a public key; undefined for a key of another kind. */
export function endpointIdOf(publicKey: KeyObject): string | undefined {
  if (publicKey.asymmetricKeyType !== 'ed25519') return undefined
  const { x } = publicKey.export({ format: 'jwk' })
  return x === undefined ? undefined : Buffer.from(x, 'base64url').toString('hex')
}

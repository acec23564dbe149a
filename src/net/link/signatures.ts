import { createPublicKey, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isEndpointId } from '../../api/index.ts'
import { fromHex } from '../../lib/index.ts'
import type { Signatures } from '../../ports/index.ts'
import type { NodeIdentity } from './identity.ts'

// RFC 8410: what stands before the 32 bytes of a public key.
const SPKI_PREFIX = fromHex('302a300506032b6570032100')
const SIGNATURE_SIZE = 64
/** Making a key of bytes takes half as long as a check with it does: those of the peers that speak most are kept. */
const MAX_KEPT_KEYS = 256

/** Signs under this identity, and checks what others have signed. A check takes some 100 microseconds. */
export function signaturesOf({ endpointId, privateKey }: NodeIdentity): Signatures {
  const keys = new Map<string, KeyObject>()
  return {
    endpointId,
    sign: (bytes) => Uint8Array.from(sign(null, bytes, privateKey)),
    verify: (key, bytes, signature) => {
      if (signature.length !== SIGNATURE_SIZE || !isEndpointId(key)) return false
      try {
        return verify(null, bytes, keyOf(keys, key), signature)
      } catch {
        // Not every 32 bytes are a key.
        return false
      }
    },
  }
}

function keyOf(kept: Map<string, KeyObject>, endpointId: string): KeyObject {
  const known = kept.get(endpointId)
  if (known !== undefined) return known
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, fromHex(endpointId)]), format: 'der', type: 'spki' })
  if (kept.size >= MAX_KEPT_KEYS) kept.delete(kept.keys().next().value as string)
  kept.set(endpointId, key)
  return key
}

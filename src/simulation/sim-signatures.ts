import { concatBytes, equalBytes, murmur64, utf8Encode } from '../lib/index.ts'
import type { Signatures } from '../ports/index.ts'

/** Hashes of eight bytes in a signature. */
const PARTS = 8

/**
 * Signatures that every run repeats, and that nobody who plays by the rules can forge: they are made of the key and of what is signed, and a
 * simulated node is handed those of its own key.
 */
export function simSignatures(endpointId: string): Signatures {
  return {
    endpointId,
    sign: (bytes) => signatureOf(endpointId, bytes),
    verify: (key, bytes, signature) => equalBytes(signatureOf(key, bytes), signature),
  }
}

function signatureOf(endpointId: string, bytes: Uint8Array): Uint8Array {
  const hash = murmur64(concatBytes([utf8Encode(endpointId), bytes]))
  return concatBytes(Array.from({ length: PARTS }, (_, part) => murmur64(concatBytes([Uint8Array.of(part), hash]))))
}

/**
 * Signatures of the key that is a node's identity (Ed25519, RFC 8032). What is signed begins with what it is for, so that no signature means
 * anything in another place.
 */
export interface Signatures {
  /** Lower-case hex, 64 characters. */
  readonly endpointId: string
  /** Under this node's key: 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array
  /** Whether the holder of this key signed these bytes; false for what is no key or no signature. */
  verify(endpointId: string, bytes: Uint8Array, signature: Uint8Array): boolean
}

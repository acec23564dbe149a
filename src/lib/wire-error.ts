/**
 * Bytes that are not what they claim to be, or a value that has no encoding. Whoever decodes what a peer sent
 * refuses the message, and says so; a value of our own that cannot be encoded has not been validated.
 */
export class WireError extends Error {
  override readonly name: string = 'WireError'
}

import { createHash } from 'node:crypto'

/** Size and SHA-256 of bytes that pass by. */
export class SnapshotDigest {
  readonly #hash = createHash('sha256')
  #sizeBytes = 0

  push(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.#sizeBytes += bytes.length
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Lower-case hex. Ends the digest. */
  digest(): string {
    return this.#hash.digest('hex')
  }
}

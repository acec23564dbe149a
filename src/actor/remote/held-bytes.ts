import { MAX_REMOTE_PEER_BYTES, MAX_REMOTE_TOTAL_BYTES } from '../../limits.ts'

/**
 * What the messages of peers take that wait here. It belongs to the messages, and not to the talk or the stream in which they came: whoever
 * links anew has what he left behind counted.
 *
 * Invariant: no more than the bounds is held, of one key and of all.
 */
export class HeldBytes {
  readonly #peers = new Map<string, number>()
  #all = 0

  get all(): number {
    return this.#all
  }

  mayHold(endpointId: string, bytes: number): boolean {
    if (this.#all + bytes > MAX_REMOTE_TOTAL_BYTES) return false
    return (this.#peers.get(endpointId) ?? 0) + bytes <= MAX_REMOTE_PEER_BYTES
  }

  hold(endpointId: string, bytes: number): void {
    this.#all += bytes
    this.#peers.set(endpointId, (this.#peers.get(endpointId) ?? 0) + bytes)
  }

  /** Once for each message, when it is handled or never will be. */
  release(endpointId: string, bytes: number): void {
    this.#all -= bytes
    const left = (this.#peers.get(endpointId) ?? 0) - bytes
    if (left > 0) this.#peers.set(endpointId, left)
    else this.#peers.delete(endpointId)
  }
}

import { MAX_REMOTE_PEER_BYTES, MAX_REMOTE_STRANGER_BYTES, MAX_REMOTE_TOTAL_BYTES } from '../../limits.ts'

/**
 * What the messages of peers take that wait here. It belongs to the messages, and not to the talk or the stream in which they came: whoever
 * links anew has what he left behind counted.
 *
 * Invariants: no more than the bounds is held, of one key and of all. No key takes what would give it more than
 * it leaves free, so that a newcomer finds room however many came before: behind four that took all they could, half a bound. Keys of no member, of which
 * whoever has the cookie can make any number, take nothing of what is kept for members.
 */
export class HeldBytes {
  readonly #isMember: (endpointId: string) => boolean
  readonly #peers = new Map<string, number>()
  #all = 0

  /** @param isMember whether the configuration binds a key; asked when little room is left */
  constructor(isMember: (endpointId: string) => boolean = () => true) {
    this.#isMember = isMember
  }

  get all(): number {
    return this.#all
  }

  mayHold(endpointId: string, bytes: number): boolean {
    const all = this.#all + bytes
    const own = (this.#peers.get(endpointId) ?? 0) + bytes
    if (own > Math.min(MAX_REMOTE_PEER_BYTES, MAX_REMOTE_TOTAL_BYTES - all)) return false
    return all <= MAX_REMOTE_STRANGER_BYTES || this.#isMember(endpointId)
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

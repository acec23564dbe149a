/** Which terms peers have spoken in, to remind them of it when they are back, and which reminders speak of former lives of this node. */
import { MAX_PEERS } from '../../limits.ts'
import type { Message } from '../../raft/index.ts'

/**
 * Whether the sender has made its term durable before it said this. All others promise nothing: a trial vote names a term that nobody is in
 * yet, and a question to a leader may overtake the sync of that leader's term.
 */
function isBound(message: Message): boolean {
  if (message.type === 'vote') return !message.preVote
  if (message.type === 'vote-response') return !message.preVote || !message.granted
  return message.type !== 'read-index'
}

export class HeardPromises {
  /** By key; who was heard first stands first. */
  readonly #terms = new Map<string, number>()
  /** Keys whose link has ended in this life. */
  readonly #unlinked = new Set<string>()

  spoke(endpointId: string, message: Message): void {
    if (!(message.term > (this.#terms.get(endpointId) ?? 0)) || !isBound(message)) return
    this.#terms.set(endpointId, message.term)
    if (this.#terms.size > MAX_PEERS) this.#terms.delete(this.#terms.keys().next().value as string)
  }

  /** The highest term in which the holder of a key has spoken, 0 when it has not. */
  termOf(endpointId: string): number {
    return this.#terms.get(endpointId) ?? 0
  }

  unlinked(endpointId: string): void {
    // With too many to remember, all count as linked before.
    if (this.#unlinked.size <= MAX_PEERS) this.#unlinked.add(endpointId)
  }

  /** On the first link of this life with a peer, what that knew when the link opened was said by former lives. */
  isFirstLink(endpointId: string): boolean {
    return this.#unlinked.size <= MAX_PEERS && !this.#unlinked.has(endpointId)
  }
}

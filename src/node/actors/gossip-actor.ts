/**
 * GossipActor: what this node hears of peers enters the peer book through it. The book belongs to the node, and outlives it; while it is away
 * nothing is heard, and what matters is said again.
 */
import { defineActor, Refusal } from '../../actor/index.ts'
import { MAX_PEERS, MIN_PEERS } from '../../limits.ts'
import type { AddResult, PeerBook, PeerEntry, PeerHint, PeerSource } from '../../peers/index.ts'

export interface Discovery {
  readonly hint: PeerHint
  readonly source: PeerSource
}

export interface GossipStats {
  readonly known: number
  readonly maxPeers: number
  /** Of this life of the actor: what it heard, by what became of it. */
  readonly heard: Readonly<Record<AddResult, number>>
}

export interface GossipMessages {
  /** A peer was heard of. */
  PeerDiscovered(discovery: Discovery): void
  GetPeers(): readonly PeerEntry[]
  GetStats(): GossipStats
  /** How many peers the book has room for, from now on. */
  SetMaxPeers(max: number): void
}

export interface GossipParts {
  readonly book: PeerBook
  /** There was no room for it. */
  readonly noRoom: (hint: PeerHint) => void
}

export const gossipActor = defineActor<GossipMessages, GossipParts>({
  start: (_context, { book, noRoom }) => {
    const heard = { added: 0, changed: 0, unchanged: 0, full: 0, invalid: 0 }
    return {
      PeerDiscovered: ({ hint, source }) => {
        const result = book.add(hint, source)
        heard[result]++
        // Hearsay has no claim to room.
        if (result === 'full' && source !== 'gossip') noRoom(hint)
      },
      GetPeers: () => book.entries(),
      GetStats: () => ({ known: book.entries().length, maxPeers: book.capacity, heard: { ...heard } }),
      SetMaxPeers: (max) => {
        if (!(Number.isInteger(max) && max >= MIN_PEERS && max <= MAX_PEERS))
          throw new Refusal(`the book has room for ${MIN_PEERS} to ${MAX_PEERS} peers, not for ${String(max)}`)
        book.resize(max)
      },
    }
  },
})

/**
 * GossipActor: what this node hears of peers enters the peer book through it, by whatever means; gossip itself lives in it, and says of this node
 * what it is. The book belongs to the node, and outlives it; while it is away nothing is heard, and what matters is said again.
 */
import { defineActor, Refusal } from '../../actor/index.ts'
import type { ActorContext } from '../../actor/index.ts'
import { MAX_PEERS, MIN_PEERS } from '../../limits.ts'
import type { AddResult, GossipDiscovery, GossipReport, PeerBook, PeerEntry, PeerHint, PeerSource } from '../../peers/index.ts'
import type { GossipLife } from '../node-gossip.ts'

export interface Discovery {
  readonly hint: PeerHint
  readonly source: PeerSource
}

export interface GossipStats {
  readonly known: number
  readonly maxPeers: number
  /** Of this life of the actor: what it heard, by what became of it. */
  readonly heard: Readonly<Record<AddResult, number>>
  /** Null where gossip is switched off. */
  readonly gossip: GossipReport | null
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
  /** Begins to gossip, in one life of the actor; null where gossip is switched off. */
  readonly gossip: ((life: GossipLife) => GossipDiscovery) | null
}

/** Where peers speak for others: they need no room. */
const UNASKED: ReadonlySet<PeerSource> = new Set<PeerSource>(['gossip', 'hearsay', 'mdns', 'dns', 'pkarr'])

export const gossipActor = defineActor<GossipMessages, GossipParts>({
  start: (context, parts) => new Gossiper(context, parts),
  stop: (gossiper) => (gossiper as Gossiper).stop(),
})

class Gossiper implements GossipMessages {
  readonly #parts: GossipParts
  readonly #heard: Record<AddResult, number> = { added: 0, changed: 0, unchanged: 0, full: 0, invalid: 0, unwanted: 0 }
  readonly #gossip: GossipDiscovery | null

  constructor(context: ActorContext, parts: GossipParts) {
    this.#parts = parts
    const heard = (hint: PeerHint): void => this.PeerDiscovered({ hint, source: 'gossip' })
    this.#gossip = parts.gossip?.({ heard, fail: (error) => context.fail(error) }) ?? null
    this.#gossip?.start()
  }

  stop(): void {
    this.#gossip?.stop()
  }

  PeerDiscovered({ hint, source }: Discovery): void {
    const { book, noRoom } = this.#parts
    const result = book.add(hint, source)
    this.#heard[result]++
    if (result === 'full' && !UNASKED.has(source)) noRoom(hint)
  }

  GetPeers(): readonly PeerEntry[] {
    return this.#parts.book.entries()
  }

  GetStats(): GossipStats {
    const { book } = this.#parts
    return {
      known: book.entries().length,
      maxPeers: book.capacity,
      heard: { ...this.#heard },
      gossip: this.#gossip?.report ?? null,
    }
  }

  SetMaxPeers(max: number): void {
    if (!(Number.isInteger(max) && max >= MIN_PEERS && max <= MAX_PEERS))
      throw new Refusal(`the book has room for ${MIN_PEERS} to ${MAX_PEERS} peers, not for ${String(max)}`)
    this.#parts.book.resize(max)
  }
}

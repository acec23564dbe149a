/**
 * Passes on what this node knows of others at first hand: whom it is linked with, where those say they can be dialled or were heard from, and whom a
 * person has told it of. Who gossips tells others who do of itself, and better: of those nothing is said here. So an address that one node learns is soon known to all, and a member that moved is found by those who never heard
 * of its move. What is heard here fills the book and binds nothing; it is never passed on itself, so nothing old goes in circles.
 * A linked key that is no member any more is told so, and one that belongs to no cluster and has the id of a member.
 *
 * Bounds: a message says little and is one of few; what is new goes out at once, and everything again now and then, for those who missed it.
 */
import { WireError } from '../lib/index.ts'
import { parseAddress } from '../api/index.ts'
import { MAX_MEMBER_ADDRESSES, MAX_PEERS } from '../limits.ts'
import { PEERS_CHANNEL } from '../ports/index.ts'
import type { Channel, ChannelHandler, Claims, Clock, LinkedPeer, Links, Timer } from '../ports/index.ts'
import { decodePeerNews, encodePeerNews, MAX_NEWS_FACTS } from '../wire/index.ts'
import type { PeerFact, PeerNews } from '../wire/index.ts'
import type { PeerBook, PeerEntry, PeerHint } from './peer-book.ts'

/** How often those who are linked and no members are told so, in milliseconds. */
const LOOK_INTERVAL_MS = 5_000
/** Everything else is said again at every so many looks. */
const LOOKS_PER_REPEAT = 12

/** Of one peer, as others say: they take room in the book. */
const MAX_HEARSAY_ADDRESSES = 8

export interface PeerExchangeOptions {
  readonly nodeId: number
  readonly book: PeerBook
  readonly links: Links
  readonly clock: Clock
  /** Takes what is heard of others. */
  readonly heard: (hint: PeerHint) => void
  /** Absent where it is switched off. */
  readonly gossip?: {
    /** Whether this peer gossips: says itself where it is, and hears others say so. */
    speaks(endpointId: string): boolean
  }
  /** False once this node has failed: from then on it says nothing to anybody. */
  readonly isSound: () => boolean
  /** The cluster of this node, or null before it has one. */
  readonly clusterId: () => string | null
  /** Where the committed configuration stands that does not name this key; null when it does, or nothing is known for certain. */
  readonly absentSince: (peer: LinkedPeer) => number | null
  /** A member says that this node is none of its cluster: not any more, or not under this key. */
  readonly toldAbsent: (since: number, by: LinkedPeer) => void
}

/** `isSeen`: it holds what the peer does not say of itself. */
type Fact = PeerFact & { readonly isSeen: boolean }

export class PeerExchange implements ChannelHandler {
  readonly #options: PeerExchangeOptions
  readonly #linked = new Map<string, LinkedPeer>()
  /** By key, what everybody was told of it last. */
  readonly #told = new Map<string, string>()
  /** Linked since the last look: whether they gossip is not known yet. */
  readonly #newcomers = new Set<string>()
  #channel: Channel | null = null
  #unsubscribe: (() => void) | null = null
  #timer: Timer | null = null
  #looks = 0

  constructor(options: PeerExchangeOptions) {
    this.#options = options
  }

  start(): void {
    const { book, links } = this.#options
    this.#channel = links.attach(PEERS_CHANNEL, this)
    this.#unsubscribe = book.subscribe({
      changed: (entry) => this.#onBook(entry),
      removed: (endpointId) => void this.#told.delete(endpointId),
    })
    this.#lookLater()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#unsubscribe?.()
    this.#channel?.detach()
    this.#channel = null
  }

  // --- What the links report ---

  opened(peer: LinkedPeer): void {
    const { endpointId } = peer
    this.#linked.set(endpointId, peer)
    this.#tellAbsence(endpointId)
    if (this.#options.gossip === undefined) this.#introduce(peer)
    else {
      this.#newcomers.add(endpointId)
      this.#send(endpointId, this.#asked())
    }
  }

  #introduce(peer: LinkedPeer): void {
    this.#send(peer.endpointId, this.#facts())
    this.#spread(
      factOf(peer),
      [...this.#linked.keys()].filter((to) => !this.#newcomers.has(to)),
    )
  }

  claimed(peer: LinkedPeer): void {
    this.opened(peer)
  }

  closed(endpointId: string): void {
    this.#linked.delete(endpointId)
    this.#newcomers.delete(endpointId)
  }

  refused(): void {}

  message(endpointId: string, bytes: Uint8Array): void {
    const peer = this.#linked.get(endpointId)
    if (peer === undefined || !this.#listensTo(peer.claims)) return
    let news: PeerNews
    try {
      news = decodePeerNews(bytes)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      return
    }
    for (const fact of news.facts) this.#note(fact)
    if (news.absentSince !== null) this.#options.toldAbsent(news.absentSince, peer)
  }

  /** Nodes of one cluster listen to each other; those of none to everybody whom the links let in. */
  #listensTo({ clusterId }: Claims): boolean {
    const own = this.#options.clusterId()
    return own === null || clusterId === own
  }

  #note({ endpointId, nodeId, addresses }: PeerFact): void {
    const { links, heard } = this.#options
    // What a peer says of itself, over its own link, is not learned from others; nor is what this node was in a former life.
    if (endpointId === links.endpointId || nodeId === this.#options.nodeId || this.#linked.has(endpointId)) return
    heard({ endpointId, nodeId, addresses: addresses.slice(0, MAX_HEARSAY_ADDRESSES) })
  }

  // --- What is said ---

  #onBook(entry: PeerEntry): void {
    const asked = askedFor(entry)
    if (asked !== null && !this.#linked.has(entry.endpointId)) this.#spread(asked, this.#linked.keys())
  }

  /** To others, unless they were told the same before. */
  #spread(fact: Fact, others: Iterable<string>): void {
    const { endpointId, addresses } = fact
    if (addresses.length === 0) return
    const said = addresses.join()
    if (this.#told.get(endpointId) === said) return
    this.#told.delete(endpointId)
    this.#told.set(endpointId, said)
    if (this.#told.size > MAX_PEERS) this.#told.delete(this.#told.keys().next().value as string)
    for (const to of others) this.#send(to, [fact])
  }

  #send(to: string, facts: readonly Fact[]): void {
    const { gossip } = this.#options
    const isHeard = gossip?.speaks(to) === true ? (id: string) => gossip.speaks(id) : () => false
    const ofOthers = facts.filter(({ endpointId, isSeen }) => endpointId !== to && (isSeen || !isHeard(endpointId)))
    for (let at = 0; at < ofOthers.length; at += MAX_NEWS_FACTS) {
      this.#say(to, { facts: ofOthers.slice(at, at + MAX_NEWS_FACTS), absentSince: null })
    }
  }

  #tellAbsence(endpointId: string): void {
    const peer = this.#linked.get(endpointId)
    const own = this.#options.clusterId()
    if (peer === undefined || own === null || (peer.claims.clusterId ?? own) !== own) return
    const absentSince = this.#options.absentSince(peer)
    if (absentSince !== null) this.#say(endpointId, { facts: [], absentSince })
  }

  #say(to: string, news: PeerNews): void {
    if (this.#options.isSound()) this.#channel?.send(to, [encodePeerNews(news)], 'normal')
  }

  #facts(): Fact[] {
    const linked = Array.from(this.#linked.values(), factOf)
    return [...linked.filter(({ addresses }) => addresses.length > 0), ...this.#asked()]
  }

  /** Whom a person has told this node of, and who is not here to speak for itself. */
  #asked(): Fact[] {
    const asked = this.#options.book.entries().flatMap((entry) => askedFor(entry) ?? [])
    return asked.filter(({ endpointId, addresses }) => addresses.length > 0 && !this.#linked.has(endpointId))
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.setTimer(LOOK_INTERVAL_MS, () => {
      for (const endpointId of [...this.#newcomers]) {
        this.#newcomers.delete(endpointId)
        const peer = this.#linked.get(endpointId)
        if (peer !== undefined) this.#introduce(peer)
      }
      const facts = ++this.#looks % LOOKS_PER_REPEAT === 0 ? this.#facts() : []
      for (const to of this.#linked.keys()) {
        this.#send(to, facts)
        this.#tellAbsence(to)
      }
      this.#lookLater()
    })
  }
}

/** Where one was seen, and does not say itself that it is: behind NAT, or in a container. Nobody else is told of addresses of this machine alone. */
function factOf({ endpointId, claims, seenAt = [] }: LinkedPeer): Fact {
  const seen = seenAt.filter((address) => !claims.addresses.includes(address) && !isOfThisMachine(address))
  const addresses = [...seen, ...claims.addresses].slice(0, MAX_MEMBER_ADDRESSES)
  return { endpointId, nodeId: claims.nodeId, addresses, isSeen: seen.length > 0 }
}

function isOfThisMachine(address: string): boolean {
  const host = parseAddress(address)?.host ?? ''
  return host.startsWith('127.') || host === '::1' || host === 'localhost' || host.startsWith('fe80:')
}

/** What a person told this node of a peer; null for one that nobody has named here. */
function askedFor({ endpointId, nodeId, hints }: PeerEntry): Fact | null {
  const said = hints.get('add-peer')
  return said === undefined || nodeId === null ? null : { endpointId, nodeId, addresses: said.addresses, isSeen: false }
}

/**
 * Gossip: every node tells those that it is linked with, now and then, where it can be dialled, under its signature; they pass on what is new of
 * others to a few. Who has missed something finds out by digests, and asks for it. So everybody hears of everybody, and of a change soon.
 *
 * What is heard is only dialled. It is believed as far as the signature of whom it is about goes, within one topic, which is made of the cookie, and
 * while it is not old: not by its sequence, which only grows, nor by its time. Over its own link a peer is believed whatever its clock says.
 * What a neighbour may cost is bounded ({@link Neighbours}), and so is the room that it may take ({@link AnnouncementTable}).
 */
import { randomBetween, WireError } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'
import { GOSSIP_CHANNEL } from '../../ports/index.ts'
import type { Channel, ChannelHandler, Clock, LinkedPeer, Links, Signatures, Timer } from '../../ports/index.ts'
import {
  announcementInput,
  decodeAnnouncement,
  decodeGossip,
  encodeGossip,
  MAX_DIGEST_ENTRIES,
  MAX_MESSAGE_ANNOUNCEMENTS,
  MAX_WANTED,
  shortIdOf,
} from '../../wire/index.ts'
import type { DigestEntry, GossipMessage, PeerAnnouncement, SignedAnnouncement } from '../../wire/index.ts'
import type { PeerHint } from '../peer-book.ts'
import { Allowance } from './allowance.ts'
import { AnnouncementTable } from './announcement-table.ts'
import type { Known } from './announcement-table.ts'
import { Announcer } from './announcer.ts'
import type { Self } from './announcer.ts'
import { Neighbours } from './neighbours.ts'
import { Wishes } from './wishes.ts'

/** Between two announcements of a node, in milliseconds; and how much earlier or later the next one may be. */
export const ANNOUNCE_INTERVAL_MS = 10_000
const ANNOUNCE_JITTER_MS = 1_000
/** How often this node looks at itself, and whether something is due. */
const TICK_MS = 1_000
/** Neighbours that are told at once of what is new of others. */
const FANOUT = 4
/** Between two digests while something new was heard so lately that some may have missed it. */
const NEWS_INTERVAL_MS = 2_000
const NEWS_MS = 2 * ANNOUNCE_INTERVAL_MS
/** News of one peer are passed on at most so often; of more, digests tell. */
const RELAY_INTERVAL_MS = 1_000
/** An announcement is news of a peer's presence when it is so much younger than what is known. */
const REFRESH_MS = 60_000
/** Of a peer that was not heard of for so long nothing is passed on, and nothing is believed that is as old by its own time. */
const EXPIRY_MS = 300_000
/** How far the clock of another node may be ahead. */
const MAX_AHEAD_MS = 60_000
/** Signatures of others that are checked in one turn; what waits for the next ones, and how long. */
const CHECKS_A_TURN = 16
const TURN_MS = 10
const MAX_WAITING = 512

export type GossipOutcome =
  | 'new'
  | 'changed'
  | 'fresh'
  /** Known, or replayed. */
  | 'old'
  /** Its time is too far from that of this node. */
  | 'skewed'
  | 'other-cluster'
  /** No room for it. */
  | 'full'
  /** Its neighbour says too much. */
  | 'limited'
  /** Nobody has signed it: its neighbour is not listened to for a while. */
  | 'forged'
  | 'malformed'

export interface GossipReport {
  /** Peers of which an announcement is known that is not old. */
  readonly known: number
  readonly neighbours: number
  readonly sentBytes: number
  readonly receivedBytes: number
  /** Announcements by what became of them; messages that were none as `malformed`. */
  readonly heard: Readonly<Record<GossipOutcome, number>>
}

/** The node that gossips, as gossip sees it. */
export interface GossipHost {
  /** False once this node has failed: from then on it says nothing to anybody. */
  readonly isSound: boolean
  /** Peers to keep in mind. */
  readonly capacity: number
  /** The cluster of this node, or null before it has one. */
  readonly clusterId: string | null
  /** What there is to say of this node; asked for once a second. */
  self(): Self
  /** A peer has announced itself. */
  heard(hint: PeerHint): void
  /** There is no room any more for what this peer has announced. */
  displaced(endpointId: string): void
  /** Whether somebody has named this peer, or it is a member. */
  isNamed(endpointId: string): boolean
  /** Says to a person what is wrong with a neighbour, once for each cause. */
  warn(cause: string, words: string, endpointId: string): void
}

export interface GossipOptions {
  readonly nodeId: number
  readonly links: Links
  readonly clock: Clock
  readonly random: Random
  readonly signatures: Signatures
  /** 32 bytes that all nodes with one cookie have in common. */
  readonly topic: Uint8Array
  /** Milliseconds since 1970. */
  readonly wallClock: () => number
  readonly host: GossipHost
}

interface Waiting {
  readonly from: string
  readonly said: PeerAnnouncement
  readonly signed: SignedAnnouncement
}

const NOTHING: GossipMessage = { announcements: [], digest: [], wanted: [] }

export class GossipDiscovery implements ChannelHandler {
  readonly #options: GossipOptions
  readonly #announcer: Announcer
  readonly #table: AnnouncementTable
  readonly #neighbours: Neighbours
  readonly #wishes = new Wishes()
  readonly #turn: Allowance
  readonly #heard: Record<GossipOutcome, number> = {
    new: 0,
    changed: 0,
    fresh: 0,
    old: 0,
    skewed: 0,
    'other-cluster': 0,
    full: 0,
    limited: 0,
    forged: 0,
    malformed: 0,
  }
  #waiting: Waiting[] = []
  #sentBytes = 0
  #receivedBytes = 0
  #channel: Channel | null = null
  #tick: Timer | null = null
  #next: Timer | null = null
  #announceAt = 0
  #digestAt = 0
  /** When something new of others was last heard. */
  #newsAt = Number.NEGATIVE_INFINITY

  constructor(options: GossipOptions) {
    const { clock, host } = options
    this.#options = options
    this.#announcer = new Announcer({ ...options, self: () => host.self() })
    this.#neighbours = new Neighbours(clock.now())
    this.#turn = new Allowance({ perSecond: (CHECKS_A_TURN * 1_000) / TURN_MS, burst: CHECKS_A_TURN }, clock.now())
    this.#table = new AnnouncementTable({
      capacity: () => host.capacity,
      isProtected: (endpointId) => this.#neighbours.isLinked(endpointId) || host.isNamed(endpointId),
    })
  }

  start(): void {
    const { clock, links } = this.#options
    this.#announceAt = clock.now()
    this.#digestAt = clock.now() + this.#interval()
    this.#channel = links.attach(GOSSIP_CHANNEL, this)
    this.#tickLater()
  }

  stop(): void {
    this.#tick?.cancel()
    this.#next?.cancel()
    this.#waiting = []
    this.#channel?.detach()
    this.#channel = null
  }

  get report(): GossipReport {
    const heard = { ...this.#heard }
    const neighbours = this.#neighbours.linked.length
    return { known: this.#table.size, neighbours, sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes, heard }
  }

  /** Whether this peer is linked and tells everybody of itself by gossip. */
  speaks(endpointId: string): boolean {
    return this.#neighbours.spokeAt(endpointId) + REFRESH_MS > this.#options.clock.now()
  }

  // --- What the links report ---

  opened({ endpointId }: LinkedPeer): void {
    const now = this.#options.clock.now()
    this.#neighbours.opened(endpointId, now)
    const { last, isNews } = this.#announcer
    if (isNews || last === null) this.#announce()
    else this.#say(endpointId, { ...NOTHING, announcements: [last] })
    const digest = this.#table.digest(this.#table.size, (known) => this.#isPassable(known), this.#options.random)
    for (let at = 0; at < digest.length; at += MAX_DIGEST_ENTRIES) {
      this.#say(endpointId, { ...NOTHING, digest: digest.slice(at, at + MAX_DIGEST_ENTRIES) })
    }
  }

  /** What it says of itself to its links, it announces. */
  claimed(): void {}

  closed(endpointId: string): void {
    this.#neighbours.closed(endpointId, this.#options.clock.now())
  }

  refused(): void {}

  message(from: string, bytes: Uint8Array): void {
    const now = this.#options.clock.now()
    this.#receivedBytes += bytes.length
    if (this.#neighbours.isMuted(from, now)) return
    if (!this.#neighbours.take(from, 'bytes', bytes.length, now)) {
      this.#heard.limited++
      return
    }
    let message: GossipMessage
    try {
      message = decodeGossip(bytes)
      for (const signed of message.announcements) this.#consider(from, signed, decodeAnnouncement(signed.body), now)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.#mute(from, 'malformed', 'a neighbour says what is no gossip')
      return
    }
    if (message.digest.length > 0) this.#compare(from, message.digest, now)
    if (message.wanted.length > 0) this.#answer(from, message.wanted, now)
  }

  // --- What is heard ---

  /** Sorts out what needs no look at a signature. */
  #consider(from: string, signed: SignedAnnouncement, said: PeerAnnouncement, now: number): void {
    const isOwn = from === said.endpointId
    if (isOwn) this.#neighbours.spoke(from, now)
    const refused = this.#refusal(said, isOwn)
    if (refused !== null) {
      this.#heard[refused]++
      return
    }
    const good = isOwn ? 'own' : 'announcements'
    const isAllowed = this.#neighbours.take(from, good, 1, now) && (isOwn || this.#neighbours.takeCheck(now))
    if (!isAllowed || this.#waiting.length >= MAX_WAITING) {
      this.#heard.limited++
      return
    }
    this.#waiting.push({ from, signed, said })
    this.#checkWaiting()
  }

  #refusal({ endpointId, clusterId, sequence, time }: PeerAnnouncement, isOwn: boolean): GossipOutcome | null {
    const { host, signatures, wallClock } = this.#options
    if (endpointId === signatures.endpointId) return sequence > this.#announcer.sequence ? null : 'old'
    const own = host.clusterId
    if (own !== null && clusterId !== null && clusterId !== own) return 'other-cluster'
    const known = this.#table.get(endpointId)
    // One whose clock was ahead and was set right speaks for itself: nobody else can tell it what it said before.
    const isBelieved = isOwn && known !== undefined && !this.#isPassable(known)
    if (known !== undefined && sequence <= known.said.sequence && !isBelieved) return 'old'
    const age = wallClock() - time
    return !isOwn && (age > EXPIRY_MS || age < -MAX_AHEAD_MS) ? 'skewed' : null
  }

  /** So many signatures in this turn; the rest in the next ones. */
  #checkWaiting(): void {
    const { clock } = this.#options
    while (this.#waiting.length > 0 && this.#next === null) {
      if (!this.#turn.take(1, clock.now())) {
        this.#next = clock.setTimer(TURN_MS, () => {
          this.#next = null
          this.#checkWaiting()
        })
        return
      }
      const first = this.#waiting.shift()
      if (first !== undefined) this.#check(first)
    }
  }

  #check({ from, said, signed }: Waiting): void {
    const { clock, signatures, topic } = this.#options
    const now = clock.now()
    // It may have been caught lying, or the same been heard, since this came to wait.
    if (this.#neighbours.isMuted(from, now)) return
    const refused = this.#refusal(said, from === said.endpointId)
    if (refused !== null) {
      this.#heard[refused]++
      return
    }
    if (!signatures.verify(said.endpointId, announcementInput(topic, signed.body), signed.signature)) {
      this.#mute(from, 'forged', 'a neighbour passes on what the peer that it is about has not signed')
      return
    }
    if (said.endpointId === signatures.endpointId) this.#outdo(said)
    else this.#take(from, said, signed, now)
  }

  #take(from: string, said: PeerAnnouncement, signed: SignedAnnouncement, now: number): void {
    const { nodeId, host } = this.#options
    const { endpointId, addresses, relay } = said
    const { result, displaced: other } = this.#table.put(said, signed, from, now)
    this.#heard[result]++
    this.#wishes.fulfilled(shortIdOf(endpointId))
    if (other !== null) host.displaced(other)
    if (result === 'full') return
    if (result !== 'fresh') {
      this.#newsAt = now
      this.#digestAt = Math.min(this.#digestAt, now + NEWS_INTERVAL_MS)
      this.#relay(from, endpointId, now)
    }
    // One that has this node's id is what this node was in a former life, or is mistaken for it.
    if (said.nodeId !== nodeId) host.heard({ endpointId, nodeId: said.nodeId, addresses, relay })
  }

  /** This node was here before, with a clock that was ahead. */
  #outdo({ sequence }: PeerAnnouncement): void {
    this.#announcer.outdo(sequence)
    this.#announce()
  }

  #mute(from: string, outcome: 'forged' | 'malformed', words: string): void {
    this.#heard[outcome]++
    this.#neighbours.mute(from, this.#options.clock.now())
    this.#options.host.warn(`GOSSIP_${outcome.toUpperCase()}`, `${words}: it is not listened to for a while`, from)
  }

  // --- What is compared ---

  #compare(from: string, digest: readonly DigestEntry[], now: number): void {
    if (!this.#neighbours.take(from, 'digests', 1, now)) {
      this.#heard.limited++
      return
    }
    const wanted = digest.filter((entry) => this.#isWanted(entry)).map(({ shortId }) => shortId)
    const asked = this.#wishes.ask(from, wanted, now)
    for (let at = 0; at < asked.length; at += MAX_WANTED) {
      this.#say(from, { ...NOTHING, wanted: asked.slice(at, at + MAX_WANTED) })
    }
  }

  #isWanted({ shortId, sequence, changed }: DigestEntry): boolean {
    if (shortId === shortIdOf(this.#options.signatures.endpointId)) return sequence > this.#announcer.sequence
    const known = this.#table.find(shortId)?.said
    return known === undefined || changed > known.changed || sequence >= known.sequence + REFRESH_MS
  }

  #answer(from: string, wanted: readonly string[], now: number): void {
    const known = wanted.flatMap((shortId) => this.#table.find(shortId) ?? [])
    const answers = known.filter((one) => this.#isPassable(one)).map(({ signed }) => signed)
    if (!this.#neighbours.take(from, 'wanted', wanted.length, now)) return
    for (let at = 0; at < answers.length; at += MAX_MESSAGE_ANNOUNCEMENTS) {
      this.#say(from, { ...NOTHING, announcements: answers.slice(at, at + MAX_MESSAGE_ANNOUNCEMENTS) })
    }
  }

  /** Others would not believe what is too old, or of a node whose clock is wrong. */
  #isPassable({ said: { time } }: Known): boolean {
    const age = this.#options.wallClock() - time
    return age <= EXPIRY_MS && age >= -MAX_AHEAD_MS
  }

  // --- What is said ---

  #announce(): void {
    const { clock } = this.#options
    const announcements = [this.#announcer.announce()]
    this.#announceAt = clock.now() + this.#interval()
    for (const to of this.#neighbours.linked) this.#say(to, { ...NOTHING, announcements })
  }

  /** To a few that are neither where it comes from nor whom it is about. */
  #relay(from: string, endpointId: string, now: number): void {
    const known = this.#table.get(endpointId)
    if (known === undefined || !this.#isPassable(known) || known.relayedAt + RELAY_INTERVAL_MS > now) return
    known.relayedAt = now
    const others = this.#neighbours.linked.filter((one) => one !== from && one !== endpointId)
    for (const to of this.#some(others, FANOUT)) this.#say(to, { ...NOTHING, announcements: [known.signed] })
  }

  #some(all: readonly string[], most: number): string[] {
    const left = [...all]
    const chosen: string[] = []
    while (left.length > 0 && chosen.length < most) {
      chosen.push(...left.splice(randomBetween(this.#options.random, 0, left.length - 1), 1))
    }
    return chosen
  }

  #say(to: string, message: GossipMessage): void {
    if (!this.#options.host.isSound) return
    const bytes = encodeGossip(message)
    if (bytes.length > 0 && this.#channel?.send(to, [bytes], 'normal') === true) this.#sentBytes += bytes.length
  }

  #interval(): number {
    const { random } = this.#options
    return randomBetween(random, ANNOUNCE_INTERVAL_MS - ANNOUNCE_JITTER_MS, ANNOUNCE_INTERVAL_MS + ANNOUNCE_JITTER_MS)
  }

  #tickLater(): void {
    const { clock } = this.#options
    this.#tick = clock.setTimer(TICK_MS, () => {
      this.#look(clock.now())
      this.#tickLater()
    })
  }

  #look(now: number): void {
    const { random } = this.#options
    if (this.#announcer.isNews || now >= this.#announceAt) this.#announce()
    if (now < this.#digestAt) return
    this.#digestAt = now + (this.#newsAt + NEWS_MS > now ? NEWS_INTERVAL_MS : this.#interval())
    this.#table.expire(now - EXPIRY_MS)
    this.#neighbours.tidy(now)
    this.#wishes.tidy(now)
    const [to] = this.#some(this.#neighbours.linked, 1)
    if (to === undefined) return
    this.#say(to, { ...NOTHING, digest: this.#table.digest(MAX_DIGEST_ENTRIES, (known) => this.#isPassable(known), random) })
  }
}

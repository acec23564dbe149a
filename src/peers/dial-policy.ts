/**
 * Decides which peers are dialled, and which are let go. The members of the cluster are, and whoever a person named. Of the
 * others, a few; one that stays away for a while is forgotten. A key whose id the cluster has bound to another one is a former life of
 * that node: it is not dialled, unless a person has just asked for it, and forgotten at once when it is not there.
 *
 * Whoever is named is dialled for ever, by the transport, some seconds apart; which strangers are, see {@link Strangers}. A few of those that were
 * linked once are looked for a long time, because a cut may last; but not who was a member and was removed.
 */
import type { Random } from '../lib/index.ts'
import { MAX_MISSED_STRANGERS, MISSED_EXPIRY_MS, STRANGER_EXPIRY_MS } from '../limits.ts'
import type { Clock, DialTarget, PeerReport, Timer } from '../ports/index.ts'
import { lastHeardOf, standingOf } from './peer-book.ts'
import type { PeerBook, PeerEntry, PeerHint } from './peer-book.ts'
import { ASKED_FOR_RANK } from './peer-source.ts'
import { Strangers } from './strangers.ts'

/** How often it is thought over which strangers are dialled, in milliseconds; and so many times for each look at their age. */
const SEEK_INTERVAL_MS = 2_000
const SEEKS_PER_LOOK = 30

/** What the policy needs of a transport. */
export interface Dialler {
  readonly endpointId: string
  connect(target: DialTarget): void
  disconnect(endpointId: string): void
  peers(): readonly PeerReport[]
}

export interface DialPolicyOptions {
  /** This node's id: whoever else has it is a former life of this node, at its own address. */
  readonly nodeId: number
  readonly book: PeerBook
  readonly transport: Dialler
  readonly clock: Clock
  /** In which order strangers are tried. */
  readonly random: Random
  /** An entry of the configuration of the cluster found no place in the book: all of it is taken by others that count as much. */
  readonly refused: (member: PeerHint) => void
}

export class DialPolicy {
  readonly #options: DialPolicyOptions
  readonly #dialled = new Set<string>()
  /** Those of the dialled that nobody has named. */
  readonly #strangers: Strangers
  /** Members of this node's time that were removed. */
  readonly #departed = new Set<string>()
  #seeks = 0
  #members: ReadonlySet<string>
  /** The keys that the configuration binds ids to, this node's own among them. */
  #bound: ReadonlyMap<number, string>
  #look: Timer | null = null
  #stop: (() => void) | null = null

  constructor(options: DialPolicyOptions) {
    this.#options = options
    this.#strangers = new Strangers(options.random)
    this.#bound = new Map([[options.nodeId, options.transport.endpointId]])
    // Of a configuration that was in force when the book was kept, and may not be any more.
    this.#members = new Set(options.book.entries().flatMap((one) => (one.hints.has('membership') ? [one.endpointId] : [])))
  }

  /** Dials everybody in the book who is to be dialled, from now on. */
  start(): void {
    this.#stop = this.#options.book.subscribe({
      changed: (entry) => this.#consider(entry),
      removed: (endpointId) => this.#letGo(endpointId),
    })
    this.#lookLater()
  }

  stop(): void {
    this.#stop?.()
    this.#look?.cancel()
  }

  /** These are the members now. Who is none any more was removed on purpose: that it was once named does not count. */
  follow(members: readonly PeerHint[]): void {
    const { book, transport, refused } = this.#options
    const before = this.#members
    this.#members = new Set(members.map(({ endpointId }) => endpointId))
    this.#bound = new Map(
      [...members, this.#self].flatMap(({ nodeId, endpointId }) => (nodeId === null ? [] : [[nodeId, endpointId]])),
    )
    for (const endpointId of before) {
      if (this.#members.has(endpointId)) continue
      this.#departed.add(endpointId)
      book.withdraw(endpointId, 'membership')
      book.withdraw(endpointId, 'add-peer')
      book.withdraw(endpointId, 'ticket')
    }
    for (const member of members) {
      this.#departed.delete(member.endpointId)
      if (this.#isFormer(member.endpointId, member.nodeId) || member.endpointId === transport.endpointId) continue
      if (book.add(member, 'membership') === 'full') refused(member)
    }
    this.#forgetFormerLives()
    this.#considerOthers()
  }

  get #self(): PeerHint {
    const { nodeId, transport } = this.#options
    return { nodeId, endpointId: transport.endpointId, addresses: [] }
  }

  #isFormer(endpointId: string, nodeId: number | null): boolean {
    const holder = nodeId === null ? undefined : this.#bound.get(nodeId)
    return holder !== undefined && holder !== endpointId
  }

  /** Those whose ids others have by now. One that is linked may be about to become the holder of the id. */
  #forgetFormerLives(): void {
    const { book } = this.#options
    const linked = this.#linked
    for (const { endpointId, nodeId, hints } of book.entries()) {
      if (hints.has('add-peer') || linked.has(endpointId)) continue
      if (this.#isFormer(endpointId, nodeId)) book.remove(endpointId)
    }
  }

  #mayDial({ endpointId, nodeId, hints }: PeerEntry): boolean {
    if (endpointId === this.#options.transport.endpointId) return false
    return !this.#isFormer(endpointId, nodeId) || hints.has('add-peer')
  }

  #consider(entry: PeerEntry): void {
    const { endpointId, addresses, relay } = entry
    const { transport } = this.#options
    if (!this.#mayDial(entry)) return
    if (standingOf(entry) >= ASKED_FOR_RANK) this.#strangers.delete(endpointId)
    else if (!this.#strangers.take(endpointId, entry.hints.has('link'), this.#options.clock.now())) return
    this.#dialled.add(endpointId)
    transport.connect({ endpointId, addresses, relay })
  }

  #letGo(endpointId: string): void {
    this.#strangers.delete(endpointId)
    if (this.#dialled.delete(endpointId)) this.#options.transport.disconnect(endpointId)
  }

  #lookLater(): void {
    this.#look = this.#options.clock.setTimer(SEEK_INTERVAL_MS, () => {
      if (++this.#seeks % SEEKS_PER_LOOK === 0) {
        this.#forgetStrangers()
        this.#considerOthers()
      }
      this.#seek()
      this.#lookLater()
    })
  }

  /** Strangers take turns. */
  #seek(): void {
    const { book, clock } = this.#options
    const linked = this.#linked
    const strangers = book.entries().filter((entry) => standingOf(entry) < ASKED_FOR_RANK)
    const others = strangers.filter((entry) => !linked.has(entry.endpointId) && this.#mayDial(entry))
    const links = strangers.length - strangers.filter(({ endpointId }) => !linked.has(endpointId)).length
    const known = others.map((entry) => ({
      endpointId: entry.endpointId,
      heardAt: lastHeardOf(entry),
      wasLinked: entry.hints.has('link'),
    }))
    const { dial, letGo } = this.#strangers.choose(known, linked, links, clock.now())
    for (const endpointId of letGo) this.#letGo(endpointId)
    for (const endpointId of dial) {
      const entry = book.get(endpointId)
      if (entry !== undefined) this.#consider(entry)
    }
  }

  get #linked(): ReadonlySet<string> {
    const { transport } = this.#options
    return new Set(transport.peers().flatMap((peer) => (peer.state === 'connected' ? [peer.endpointId] : [])))
  }

  /** Those that found no place before, or were another's former life, may be dialled now. */
  #considerOthers(): void {
    if (this.#stop === null) return
    for (const entry of this.#options.book.entries()) if (!this.#dialled.has(entry.endpointId)) this.#consider(entry)
  }

  #forgetStrangers(): void {
    const { book, clock } = this.#options
    const linked = this.#linked
    const now = clock.now()
    let missed = 0
    for (const entry of book.entries()) {
      const { endpointId, hints } = entry
      if (standingOf(entry) >= ASKED_FOR_RANK) continue
      const heardAt = lastHeardOf(entry)
      // One that is here is heard of now.
      if (linked.has(endpointId)) book.add({ ...entry, addresses: [] }, 'link')
      else if (heardAt < now - STRANGER_EXPIRY_MS) {
        const isMissed = hints.has('link') && !this.#departed.has(endpointId) && missed < MAX_MISSED_STRANGERS
        // Those that were known first are kept: whoever invents peers comes later.
        if (isMissed && heardAt >= now - MISSED_EXPIRY_MS) missed++
        else this.#forget(endpointId)
      }
    }
  }

  #forget(endpointId: string): void {
    this.#departed.delete(endpointId)
    this.#options.book.remove(endpointId)
  }
}

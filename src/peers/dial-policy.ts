/**
 * Decides which peers are dialled, and which are let go. The members of the cluster are, and whoever a person named. Of the
 * others, those heard of last, a few; one that stays away for a while is forgotten.
 */
import { MAX_DIALLED_STRANGERS, STRANGER_EXPIRY_MS } from '../limits.ts'
import type { Clock, DialTarget, PeerReport, Timer } from '../ports/index.ts'
import { lastHeardOf, standingOf } from './peer-book.ts'
import type { PeerBook, PeerEntry, PeerHint } from './peer-book.ts'
import { ASKED_FOR_RANK } from './peer-source.ts'

/** How often a stranger's age is looked at, in milliseconds. */
const LOOK_INTERVAL_MS = 60_000

/** What the policy needs of a transport. */
export interface Dialler {
  readonly endpointId: string
  connect(target: DialTarget): void
  disconnect(endpointId: string): void
  peers(): readonly PeerReport[]
}

export interface DialPolicyOptions {
  readonly book: PeerBook
  readonly transport: Dialler
  readonly clock: Clock
  /** An entry of the configuration of the cluster found no place in the book: all of it is taken by others that count as much. */
  readonly refused: (member: PeerHint) => void
}

export class DialPolicy {
  readonly #options: DialPolicyOptions
  readonly #dialled = new Set<string>()
  /** Those of the dialled that nobody has named. */
  readonly #strangers = new Set<string>()
  #members: ReadonlySet<string>
  #look: Timer | null = null
  #stop: (() => void) | null = null

  constructor(options: DialPolicyOptions) {
    this.#options = options
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
    for (const endpointId of before) {
      if (this.#members.has(endpointId)) continue
      book.withdraw(endpointId, 'membership')
      book.withdraw(endpointId, 'add-peer')
    }
    for (const member of members) {
      if (member.endpointId !== transport.endpointId && book.add(member, 'membership') === 'full') refused(member)
    }
  }

  #consider(entry: PeerEntry): void {
    const { endpointId, addresses, relay } = entry
    const { transport } = this.#options
    if (endpointId === transport.endpointId) return
    const named = standingOf(entry) >= ASKED_FOR_RANK
    if (named) this.#strangers.delete(endpointId)
    else if (!this.#strangers.has(endpointId)) {
      if (this.#strangers.size >= MAX_DIALLED_STRANGERS) return
      this.#strangers.add(endpointId)
    }
    this.#dialled.add(endpointId)
    transport.connect({ endpointId, addresses, relay })
  }

  #letGo(endpointId: string): void {
    this.#strangers.delete(endpointId)
    if (this.#dialled.delete(endpointId)) this.#options.transport.disconnect(endpointId)
  }

  #lookLater(): void {
    this.#look = this.#options.clock.setTimer(LOOK_INTERVAL_MS, () => {
      this.#forgetStrangers()
      this.#lookLater()
    })
  }

  #forgetStrangers(): void {
    const { book, transport, clock } = this.#options
    const linked = new Set(transport.peers().flatMap((peer) => (peer.state === 'connected' ? [peer.endpointId] : [])))
    const oldest = clock.now() - STRANGER_EXPIRY_MS
    for (const entry of book.entries()) {
      if (standingOf(entry) >= ASKED_FOR_RANK) continue
      // One that is here is heard of now.
      if (linked.has(entry.endpointId)) book.add({ ...entry, addresses: [] }, 'link')
      else if (lastHeardOf(entry) < oldest) book.remove(entry.endpointId)
    }
    // Those that found no place before may find one now.
    for (const entry of book.entries()) if (!this.#dialled.has(entry.endpointId)) this.#consider(entry)
  }
}

/**
 * Decides which peers are dialled, and which are let go. The members of the cluster are, and whoever a person named. Of the
 * others, a few; one that stays away for a while is forgotten. A key whose id the cluster has bound to another one is a former life of
 * that node: it is not dialled, unless a person has just asked for it, and forgotten at once when it is not there.
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
  /** This node's id: whoever else has it is a former life of this node, at its own address. */
  readonly nodeId: number
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
  /** The keys that the configuration binds ids to, this node's own among them. */
  #bound: ReadonlyMap<number, string>
  #look: Timer | null = null
  #stop: (() => void) | null = null

  constructor(options: DialPolicyOptions) {
    this.#options = options
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
      book.withdraw(endpointId, 'membership')
      book.withdraw(endpointId, 'add-peer')
    }
    for (const member of members) {
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

  #consider(entry: PeerEntry): void {
    const { endpointId, addresses, relay } = entry
    const { transport } = this.#options
    if (endpointId === transport.endpointId) return
    if (this.#isFormer(endpointId, entry.nodeId) && !entry.hints.has('add-peer')) return
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
      this.#considerOthers()
      this.#lookLater()
    })
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
    const oldest = clock.now() - STRANGER_EXPIRY_MS
    for (const entry of book.entries()) {
      if (standingOf(entry) >= ASKED_FOR_RANK) continue
      // One that is here is heard of now.
      if (linked.has(entry.endpointId)) book.add({ ...entry, addresses: [] }, 'link')
      else if (lastHeardOf(entry) < oldest) book.remove(entry.endpointId)
    }
  }
}

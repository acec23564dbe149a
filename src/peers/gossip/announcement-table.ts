/**
 * The newest announcement of each peer that was heard of. It is full at a number of peers, and at one for each neighbour that spoke of them first.
 * Room is made by the neighbour that has taken most, of what it spoke of last: whoever invents peers comes after those that there are. A peer that
 * somebody named, a member, or one that is linked makes room for nobody.
 */
import { randomBetween } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'
import { MAX_PEERS_BY_NEIGHBOUR } from '../../limits.ts'
import { shortIdOf } from '../../wire/index.ts'
import type { DigestEntry, PeerAnnouncement, SignedAnnouncement } from '../../wire/index.ts'

export interface Known {
  readonly said: PeerAnnouncement
  readonly signed: SignedAnnouncement
  /** The neighbour that spoke of this peer first. */
  readonly by: string
  /** When the newest announcement was heard, by the monotonic clock. */
  readonly heardAt: number
  /** When others were last told that it says something new. */
  relayedAt: number
}

export interface Placed {
  readonly result: 'new' | 'changed' | 'fresh' | 'full'
  /** Whose place it took. */
  readonly displaced: string | null
}

export interface AnnouncementTableOptions {
  readonly capacity: () => number
  /** Whether this peer stays, whoever wants its place. */
  readonly isProtected: (endpointId: string) => boolean
}

const FULL: Placed = { result: 'full', displaced: null }

export class AnnouncementTable {
  readonly #options: AnnouncementTableOptions
  readonly #known = new Map<string, Known>()
  readonly #byShortId = new Map<string, string>()
  /** How many peers each neighbour spoke of first. */
  readonly #taken = new Map<string, number>()

  constructor(options: AnnouncementTableOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#known.size
  }

  get(endpointId: string): Known | undefined {
    return this.#known.get(endpointId)
  }

  find(shortId: string): Known | undefined {
    const endpointId = this.#byShortId.get(shortId)
    return endpointId === undefined ? undefined : this.#known.get(endpointId)
  }

  all(): readonly Known[] {
    return [...this.#known.values()]
  }

  /** Takes an announcement that is newer than what is known of its peer, and whose signature was checked. */
  put(said: PeerAnnouncement, signed: SignedAnnouncement, by: string, now: number): Placed {
    const { endpointId } = said
    const known = this.#known.get(endpointId)
    // Its bytes are part of a message that would live on with them.
    const copy = { body: signed.body.slice(), signature: signed.signature.slice() }
    if (known !== undefined) {
      this.#known.set(endpointId, { said, signed: copy, by: known.by, heardAt: now, relayedAt: known.relayedAt })
      return { result: said.changed !== known.said.changed ? 'changed' : 'fresh', displaced: null }
    }
    const room = this.#roomFor(by)
    if (room === null) return FULL
    if (room !== '') this.remove(room)
    this.#known.set(endpointId, { said, signed: copy, by, heardAt: now, relayedAt: Number.NEGATIVE_INFINITY })
    this.#byShortId.set(shortIdOf(endpointId), endpointId)
    this.#taken.set(by, (this.#taken.get(by) ?? 0) + 1)
    return { result: 'new', displaced: room === '' ? null : room }
  }

  remove(endpointId: string): void {
    const known = this.#known.get(endpointId)
    if (known === undefined) return
    this.#known.delete(endpointId)
    this.#byShortId.delete(shortIdOf(endpointId))
    const left = (this.#taken.get(known.by) ?? 1) - 1
    if (left > 0) this.#taken.set(known.by, left)
    else this.#taken.delete(known.by)
  }

  /** Forgets those of whom nothing new was heard since then. */
  expire(oldest: number): void {
    for (const [endpointId, { heardAt }] of this.#known) if (heardAt < oldest) this.remove(endpointId)
  }

  /** Of those that may be passed on, at most so many, chosen at random. */
  digest(most: number, isPassable: (known: Known) => boolean, random: Random): DigestEntry[] {
    const entries = this.all().filter(isPassable)
    for (let at = 0; entries.length > most && at < most; at++) {
      const other = randomBetween(random, at, entries.length - 1)
      const chosen = entries[other] as Known
      entries[other] = entries[at] as Known
      entries[at] = chosen
    }
    return entries.slice(0, most).map(({ said }) => entryOf(said))
  }

  /** Whose place a peer may take that this neighbour speaks of: '' for a free one, null for none. */
  #roomFor(by: string): string | null {
    const own = this.#taken.get(by) ?? 0
    if (own >= MAX_PEERS_BY_NEIGHBOUR) return null
    if (this.#known.size < this.#options.capacity()) return ''
    const [most, count] = this.#mostTaken()
    // Among equals nobody makes room for another.
    return count > own + 1 ? this.#newestOf(most) : null
  }

  #mostTaken(): readonly [by: string, count: number] {
    let most: readonly [string, number] = ['', 0]
    for (const one of this.#taken) if (one[1] > most[1]) most = one
    return most
  }

  #newestOf(neighbour: string): string | null {
    let newest: string | null = null
    // In the order in which they came.
    for (const [endpointId, { by }] of this.#known) {
      if (by === neighbour && !this.#options.isProtected(endpointId)) newest = endpointId
    }
    return newest
  }
}

function entryOf({ endpointId, sequence, changed }: PeerAnnouncement): DigestEntry {
  return { shortId: shortIdOf(endpointId), sequence, changed }
}

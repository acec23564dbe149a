import { isEndpointId, parseAddress } from '../api/index.ts'
import { MAX_MEMBER_ADDRESSES, MAX_PEERS } from '../limits.ts'
import type { LinkedPeer } from '../ports/index.ts'
import { ASKED_FOR_RANK, rankOf } from './peer-source.ts'
import type { PeerSource } from './peer-source.ts'

/** What one source says of one peer. */
export interface PeerHint {
  readonly endpointId: string
  /** The id it is said to have; hearsay, which binds nothing. */
  readonly nodeId: number | null
  /** `host:port`. */
  readonly addresses: readonly string[]
  /** A relay's URL, for transports that use one. */
  readonly relay?: string | null
}

/** What a source said last of a peer, and when: a time of the book's clock, before its start for what was known from before. */
export interface Heard {
  readonly addresses: readonly string[]
  readonly heardAt: number
}

/** What all sources together say of one peer. */
export interface PeerEntry {
  readonly endpointId: string
  readonly nodeId: number | null
  /**
   * The first of every source, then the second of each: who says many displaces nobody. Whoever spoke last is first, the configuration of the
   * cluster, which is the oldest of all, last but for hearsay.
   */
  readonly addresses: readonly string[]
  readonly relay: string | null
  /** By source, what was said last at the end. */
  readonly hints: ReadonlyMap<PeerSource, Heard>
}

/** `unwanted`: somebody has just asked to hear no more of it. */
export type AddResult = 'added' | 'changed' | 'unchanged' | 'full' | 'invalid' | 'unwanted'

export interface PeerListener {
  /** An entry was added, or is another one now. */
  changed(entry: PeerEntry): void
  removed(endpointId: string): void
}

export interface PeerBookOptions {
  /** Milliseconds of a monotonic clock. Without one, nothing ages. */
  readonly now?: () => number
  /** What is known from before. */
  readonly entries?: Iterable<PeerEntry>
  /** Called after every change. */
  readonly changed?: () => void
  /** How many peers there is room for. */
  readonly capacity?: number
}

/** What is wrong with a hint, in words, or undefined. */
export function checkPeerHint(hint: PeerHint): string | undefined {
  if (!isEndpointId(hint.endpointId)) return 'an endpoint id is 64 lower-case hexadecimal digits'
  if (hint.nodeId !== null && !(Number.isSafeInteger(hint.nodeId) && hint.nodeId > 0)) return 'a node id is a positive integer'
  if (hint.addresses.length > MAX_MEMBER_ADDRESSES) return `a peer has at most ${MAX_MEMBER_ADDRESSES} addresses`
  const bad = hint.addresses.find((address) => parseAddress(address) === undefined)
  return bad === undefined ? undefined : `${JSON.stringify(bad)} is not an address of the form host:port`
}

/**
 * Where peers can be dialled, whoever said so. Every source writes here and every dial reads here. It holds hints:
 * what it says of node ids is never taken as proof. A full book lets go of the peer that counts least, and of those the
 * one that was heard of longest ago, for one that counts more; who counts as much as all others finds it full.
 */
export class PeerBook {
  readonly #entries = new Map<string, PeerEntry>()
  readonly #listeners = new Set<PeerListener>()
  /** By key, until when nothing is heard of it but from those who name it. */
  readonly #unwanted = new Map<string, number>()
  readonly #now: () => number
  readonly #changed: () => void
  #capacity: number

  constructor({ now = () => 0, entries = [], changed = () => undefined, capacity = MAX_PEERS }: PeerBookOptions = {}) {
    for (const entry of entries) this.#entries.set(entry.endpointId, entry)
    this.#now = now
    this.#changed = changed
    this.#capacity = capacity
  }

  /** Takes what a source says now in place of what it said before. An empty list of addresses keeps those. */
  add(hint: PeerHint, source: PeerSource): AddResult {
    if (checkPeerHint(hint) !== undefined) return 'invalid'
    if (this.#isUnwanted(hint.endpointId, source)) return 'unwanted'
    const known = this.#entries.get(hint.endpointId)
    if (known === undefined && !this.#makeRoom(rankOf(source))) return 'full'
    const entry = merge(known, hint, source, this.#now())
    this.#entries.set(entry.endpointId, entry)
    if (known !== undefined && isSame(known, entry)) return 'unchanged'
    this.#tell(entry)
    return known === undefined ? 'added' : 'changed'
  }

  /** A source no longer stands by what it said; a peer that nobody else speaks of is forgotten. */
  withdraw(endpointId: string, source: PeerSource): void {
    const known = this.#entries.get(endpointId)
    if (known === undefined || !known.hints.has(source)) return
    const hints = new Map(known.hints)
    hints.delete(source)
    if (hints.size === 0) {
      this.remove(endpointId)
      return
    }
    const entry = createPeerEntry(endpointId, known.nodeId, known.relay, hints)
    this.#entries.set(endpointId, entry)
    this.#tell(entry)
  }

  /** Forgets a peer; false when it is not known. */
  remove(endpointId: string): boolean {
    if (!this.#entries.delete(endpointId)) return false
    this.#changed()
    for (const listener of this.#listeners) listener.removed(endpointId)
    return true
  }

  /** Forgets a peer, and hears nothing more of it for so long but from who names it anew; false when it is not known. */
  banish(endpointId: string, forMs: number): boolean {
    if (!this.remove(endpointId)) return false
    const now = this.#now()
    for (const [key, until] of this.#unwanted) if (until <= now) this.#unwanted.delete(key)
    if (this.#unwanted.size >= MAX_PEERS) this.#unwanted.delete(this.#unwanted.keys().next().value as string)
    this.#unwanted.set(endpointId, now + forMs)
    return true
  }

  #isUnwanted(endpointId: string, source: PeerSource): boolean {
    const until = this.#unwanted.get(endpointId)
    if (until === undefined) return false
    if (rankOf(source) < ASKED_FOR_RANK && this.#now() < until) return true
    this.#unwanted.delete(endpointId)
    return false
  }

  get capacity(): number {
    return this.#capacity
  }

  /**
   * How many peers there is room for from now on. Of too many, those that nobody has named go, whoever counts least first; whom somebody has
   * named stays.
   */
  resize(capacity: number): void {
    this.#capacity = capacity
    while (this.#entries.size > capacity && this.#removeLeast(ASKED_FOR_RANK));
  }

  get(endpointId: string): PeerEntry | undefined {
    return this.#entries.get(endpointId)
  }

  entries(): readonly PeerEntry[] {
    return [...this.#entries.values()]
  }

  /** Tells of every entry there is, and then of every one that is added, changes or goes; returns how to stop. */
  subscribe(listener: PeerListener): () => void {
    for (const entry of this.entries()) listener.changed(entry)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(entry: PeerEntry): void {
    this.#changed()
    for (const listener of this.#listeners) listener.changed(entry)
  }

  #makeRoom(rank: number): boolean {
    return this.#entries.size < this.#capacity || this.#removeLeast(rank)
  }

  /** False when all count as much as this rank, or more. */
  #removeLeast(rank: number): boolean {
    let least: PeerEntry | undefined
    for (const entry of this.#entries.values()) {
      if (standingOf(entry) < rank && (least === undefined || countsLess(entry, least))) least = entry
    }
    return least !== undefined && this.remove(least.endpointId)
  }
}

/** What a link says of its other end: where it was seen counts more than where it believes to be. */
export function hintOfLink({ endpointId, claims, seenAt = [] }: LinkedPeer): PeerHint {
  const addresses = [...new Set([...seenAt, ...claims.addresses])].slice(0, MAX_MEMBER_ADDRESSES)
  return { endpointId, nodeId: claims.nodeId, addresses }
}

/** The highest rank among those who speak of a peer. */
export function standingOf({ hints }: PeerEntry): number {
  let standing = 0
  for (const source of hints.keys()) standing = Math.max(standing, rankOf(source))
  return standing
}

/** When a peer was last heard of. */
export function lastHeardOf({ hints }: PeerEntry): number {
  let last = Number.NEGATIVE_INFINITY
  for (const { heardAt } of hints.values()) last = Math.max(last, heardAt)
  return last
}

/** One peer as its hints make it. */
export function createPeerEntry(
  endpointId: string,
  nodeId: number | null,
  relay: string | null,
  hints: ReadonlyMap<PeerSource, Heard>,
): PeerEntry {
  const latestFirst = [...hints].toReversed()
  const isLast = ([source]: readonly [PeerSource, Heard]): boolean => source === 'membership' || source === 'hearsay'
  const lists = [...latestFirst.filter((one) => !isLast(one)), ...membershipFirst(latestFirst.filter(isLast))]
  return { endpointId, nodeId, addresses: inTurn(lists.map(([, heard]) => heard.addresses)), relay, hints }
}

function membershipFirst(hints: readonly (readonly [PeerSource, Heard])[]): readonly (readonly [PeerSource, Heard])[] {
  return hints.toSorted(([a], [b]) => rankOf(b) - rankOf(a))
}

/** The first of each list, then the second of each, none twice. */
function inTurn(lists: readonly (readonly string[])[]): string[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length))
  const all = new Set<string>()
  for (let at = 0; at < longest; at++) {
    for (const list of lists) {
      const address = list[at]
      if (address !== undefined) all.add(address)
    }
  }
  return [...all]
}

function countsLess(a: PeerEntry, b: PeerEntry): boolean {
  return standingOf(a) === standingOf(b) ? lastHeardOf(a) < lastHeardOf(b) : standingOf(a) < standingOf(b)
}

function merge(known: PeerEntry | undefined, hint: PeerHint, source: PeerSource, heardAt: number): PeerEntry {
  const hints = new Map(known?.hints)
  const said = hints.get(source)?.addresses
  const addresses = hint.addresses.length > 0 ? hint.addresses : (said ?? [])
  // What is said again keeps its place; what is new goes to the end.
  if (said?.join() !== addresses.join()) hints.delete(source)
  hints.set(source, { addresses: [...addresses], heardAt })
  return createPeerEntry(hint.endpointId, hint.nodeId ?? known?.nodeId ?? null, hint.relay ?? known?.relay ?? null, hints)
}

/** Whether nobody has to hear of the difference: when something was said last is none. */
function isSame(a: PeerEntry, b: PeerEntry): boolean {
  const said = ({ hints }: PeerEntry): string => JSON.stringify(Array.from(hints, ([source, heard]) => [source, heard.addresses]))
  return a.nodeId === b.nodeId && a.relay === b.relay && said(a) === said(b)
}

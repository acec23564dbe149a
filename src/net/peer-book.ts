import { MAX_MEMBER_ADDRESSES, MAX_PEERS } from '../limits.ts'
import { parseAddress } from './address.ts'
import { isEndpointId } from './identity.ts'

/** Who said where a peer can be dialled. */
export type PeerSource = 'peers' | 'add-peer' | 'membership' | 'link' | 'gossip' | 'mdns' | 'dns' | 'pkarr' | 'ticket'

export const PEER_SOURCES: readonly PeerSource[] = [
  'peers',
  'add-peer',
  'membership',
  'link',
  'gossip',
  'mdns',
  'dns',
  'pkarr',
  'ticket',
]

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

/** What all sources together say of one peer. */
export interface PeerEntry {
  readonly endpointId: string
  readonly nodeId: number | null
  /** Of every source, what was said last first. */
  readonly addresses: readonly string[]
  readonly relay: string | null
  /** By source, what was said last at the end. */
  readonly hints: ReadonlyMap<PeerSource, readonly string[]>
}

export type AddResult = 'added' | 'changed' | 'unchanged' | 'full' | 'invalid'
export type PeerListener = (entry: PeerEntry) => void

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
 * what it says of node ids is never taken as proof.
 */
export class PeerBook {
  readonly #entries = new Map<string, PeerEntry>()
  readonly #listeners = new Set<PeerListener>()
  readonly #changed: () => void

  /** `changed` is called after every change; `entries` is what is known from before. */
  constructor(entries: Iterable<PeerEntry> = [], changed: () => void = () => undefined) {
    for (const entry of entries) this.#entries.set(entry.endpointId, entry)
    this.#changed = changed
  }

  /** Takes what a source says now in place of what it said before. An empty list of addresses keeps those. */
  add(hint: PeerHint, source: PeerSource): AddResult {
    if (checkPeerHint(hint) !== undefined) return 'invalid'
    const known = this.#entries.get(hint.endpointId)
    if (known === undefined && this.#entries.size >= MAX_PEERS) return 'full'
    const entry = merge(known, hint, source)
    if (known !== undefined && isSame(known, entry)) return 'unchanged'
    this.#entries.set(entry.endpointId, entry)
    this.#changed()
    for (const listener of this.#listeners) listener(entry)
    return known === undefined ? 'added' : 'changed'
  }

  /** Forgets a peer; false when it is not known. */
  remove(endpointId: string): boolean {
    const removed = this.#entries.delete(endpointId)
    if (removed) this.#changed()
    return removed
  }

  get(endpointId: string): PeerEntry | undefined {
    return this.#entries.get(endpointId)
  }

  entries(): readonly PeerEntry[] {
    return [...this.#entries.values()]
  }

  /** Calls `listener` for every entry there is, and then for every one that is added or changes; returns how to stop. */
  subscribe(listener: PeerListener): () => void {
    for (const entry of this.entries()) listener(entry)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/** One peer as its hints make it. */
export function createPeerEntry(
  endpointId: string,
  nodeId: number | null,
  relay: string | null,
  hints: ReadonlyMap<PeerSource, readonly string[]>,
): PeerEntry {
  const addresses = [...new Set([...hints.values()].toReversed().flat())]
  return { endpointId, nodeId, addresses, relay, hints }
}

function merge(known: PeerEntry | undefined, hint: PeerHint, source: PeerSource): PeerEntry {
  const hints = new Map(known?.hints)
  const addresses = hint.addresses.length > 0 ? hint.addresses : (hints.get(source) ?? [])
  // What is said again keeps its place; what is new goes to the end.
  if (hints.get(source)?.join() !== addresses.join()) hints.delete(source)
  hints.set(source, [...addresses])
  return createPeerEntry(hint.endpointId, hint.nodeId ?? known?.nodeId ?? null, hint.relay ?? known?.relay ?? null, hints)
}

function isSame(a: PeerEntry, b: PeerEntry): boolean {
  const hints = (entry: PeerEntry): string => JSON.stringify([...entry.hints])
  return a.nodeId === b.nodeId && a.relay === b.relay && hints(a) === hints(b)
}

/**
 * What this node knows of every node, across restarts (the specification's metadata store): its id and key, where it was, what it runs, when it
 * was seen last, and what it is to the cluster. It is made of what links and the configuration say, and nothing is decided by it. Who is no
 * member any more, or never was, is forgotten after a while; members stay.
 */
import type { NodeRecord, NodeState } from '../api/index.ts'
import { FORGET_NODE_MS, MAX_MEMBER_ADDRESSES, MAX_NODE_RECORDS } from '../limits.ts'
import type { Claims, Clock, Links, Timer } from '../ports/index.ts'
import type { Membership } from '../raft/index.ts'

/** How often links and configuration are looked at. */
const LOOK_INTERVAL_MS = 5_000
/** When nothing changes but that nodes were seen, that is kept so often. */
const KEEP_INTERVAL_MS = 60_000

/** A record as it is kept. Times are those of the node's clock. */
export interface KeptNode {
  readonly endpointId: string
  /** The id of the configuration, or the one that it claims. */
  readonly nodeId: number
  readonly addresses: readonly string[]
  /** Of its program; null when it does not say. */
  readonly version: string | null
  readonly languageVersion: number | null
  readonly state: NodeState
  readonly firstSeenAt: number
  /** When it was linked last; null when it never was. */
  readonly seenAt: number | null
  /** Since when it is in this state. */
  readonly changedAt: number
}

/** Where records are kept between two lives of a node. */
export interface RegistryStore {
  /** What was known, in times of a clock that is at `now`: time between two lives counts. Nothing when it cannot be read. */
  load(now: number): readonly KeptNode[]
  /** Keeps what `records` gives, in the background; called again meanwhile, the latest after that. */
  save(records: () => readonly KeptNode[], now: () => number): void
  /** Resolves when everything that was to be kept by now is, or has failed to be. */
  saved(): Promise<void>
}

/** Keeps nothing. */
export const noRegistryStore: RegistryStore = {
  load: () => [],
  save: () => undefined,
  saved: () => Promise.resolve(),
}

export interface NodeRegistryParts {
  readonly self: { readonly nodeId: number; readonly version: string; readonly languageVersion: number }
  readonly links: Pick<Links, 'endpointId' | 'peers'> & { addresses(): readonly string[] }
  readonly clock: Clock
  readonly membership: () => Membership
  readonly clusterId: () => string | null
  readonly store: RegistryStore
}

export class NodeRegistry {
  readonly #parts: NodeRegistryParts
  readonly #records: Map<string, KeptNode>
  #keptAt = Number.NEGATIVE_INFINITY
  #timer: Timer | null = null

  constructor(parts: NodeRegistryParts) {
    this.#parts = parts
    const kept = parts.store.load(parts.clock.now()).slice(0, MAX_NODE_RECORDS)
    this.#records = new Map(kept.map((record) => [record.endpointId, record]))
  }

  start(): void {
    this.#timer = this.#parts.clock.setTimer(LOOK_INTERVAL_MS, () => {
      this.look()
      this.start()
    })
  }

  /** Has what is known written. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.look()
    this.#keep()
    await this.#parts.store.saved()
  }

  /** Everybody, this node first, then by id. */
  get report(): readonly NodeRecord[] {
    this.look()
    const { links, clock } = this.#parts
    const now = clock.now()
    const linked = new Set(links.peers().flatMap(({ endpointId, state }) => (state === 'connected' ? [endpointId] : [])))
    const isSelf = ({ endpointId }: KeptNode): boolean => endpointId === links.endpointId
    return [...this.#records.values()]
      .toSorted((a, b) => Number(isSelf(b)) - Number(isSelf(a)) || a.nodeId - b.nodeId || a.firstSeenAt - b.firstSeenAt)
      .map((record) => ({
        nodeId: record.nodeId,
        endpointId: record.endpointId,
        addresses: record.addresses,
        version: record.version,
        languageVersion: record.languageVersion,
        state: record.state,
        isLinked: isSelf(record) || linked.has(record.endpointId),
        knownForMs: Math.max(0, Math.round(now - record.firstSeenAt)),
        lastSeenMs: record.seenAt === null ? null : Math.max(0, Math.round(now - record.seenAt)),
      }))
  }

  /** Takes in what links and configuration say now. */
  look(): void {
    const { clock } = this.#parts
    const now = clock.now()
    const before = this.#fingerprint()
    this.#seeSelf(now)
    for (const { endpointId, state, claims } of this.#parts.links.peers())
      if (state === 'connected' && claims !== null && this.#isOurs(claims)) this.#see(endpointId, claims, now)
    this.#followMembership(now)
    this.#forget(now)
    if (this.#fingerprint() !== before || now - this.#keptAt >= KEEP_INTERVAL_MS) this.#keep()
  }

  #keep(): void {
    const { store, clock } = this.#parts
    this.#keptAt = clock.now()
    store.save(
      () => [...this.#records.values()],
      () => clock.now(),
    )
  }

  /** What is worth a write at once. */
  #fingerprint(): string {
    const known = [...this.#records.values()]
    return known
      .map(({ endpointId, nodeId, addresses, version, state }) => [endpointId, nodeId, addresses, version, state].join())
      .join(';')
  }

  /** Programs that are no nodes have the id 0, and nodes of other clusters records of their own. */
  #isOurs({ nodeId, clusterId }: Claims): boolean {
    const own = this.#parts.clusterId()
    return nodeId > 0 && (clusterId === null || own === null || clusterId === own)
  }

  #seeSelf(now: number): void {
    const { self, links } = this.#parts
    this.#see(links.endpointId, { ...self, programVersion: self.version, addresses: links.addresses(), clusterId: null }, now)
  }

  #see(endpointId: string, { nodeId, addresses, programVersion, languageVersion }: Claims, now: number): void {
    const known = this.#records.get(endpointId) ?? this.#newRecord(endpointId, nodeId, now)
    if (known === null) return
    this.#records.set(endpointId, {
      ...known,
      nodeId,
      addresses: addresses.length > 0 ? addresses.slice(0, MAX_MEMBER_ADDRESSES) : known.addresses,
      version: programVersion ?? null,
      languageVersion,
      seenAt: now,
    })
  }

  #followMembership(now: number): void {
    const { members, voters, outgoing } = this.#parts.membership()
    if (members.length === 0) return
    const named = new Set<string>()
    for (const { id, endpointId, addresses } of members) {
      named.add(endpointId)
      const state = voters.includes(id) || outgoing.includes(id) ? 'voter' : 'learner'
      const known = this.#records.get(endpointId) ?? this.#newRecord(endpointId, id, now)
      if (known !== null)
        this.#become({ ...known, nodeId: id, addresses: known.addresses.length > 0 ? known.addresses : addresses }, state, now)
    }
    for (const record of this.#records.values()) {
      const wasMember = record.state === 'voter' || record.state === 'learner'
      if (wasMember && !named.has(record.endpointId)) this.#become(record, 'left', now)
    }
  }

  #become(record: KeptNode, state: NodeState, now: number): void {
    this.#records.set(record.endpointId, record.state === state ? record : { ...record, state, changedAt: now })
  }

  /** Null when there is no room: for one that is a member there always is. */
  #newRecord(endpointId: string, nodeId: number, now: number): KeptNode | null {
    if (this.#records.size >= MAX_NODE_RECORDS && !this.#removeLongestUnseen(now)) return null
    const unknown = { addresses: [], version: null, languageVersion: null, seenAt: null }
    return { endpointId, nodeId, ...unknown, state: 'known', firstSeenAt: now, changedAt: now }
  }

  #removeLongestUnseen(now: number): boolean {
    let least: KeptNode | undefined
    for (const record of this.#records.values()) {
      if (!this.#isForgettable(record)) continue
      if (least === undefined || heardAt(record) < heardAt(least)) least = record
    }
    // One that is linked now has not been looked at later than just now.
    if (least === undefined || heardAt(least) >= now) return false
    return this.#records.delete(least.endpointId)
  }

  #isForgettable({ state, endpointId }: KeptNode): boolean {
    return endpointId !== this.#parts.links.endpointId && (state === 'known' || state === 'left')
  }

  #forget(now: number): void {
    for (const record of this.#records.values())
      if (this.#isForgettable(record) && now - heardAt(record) >= FORGET_NODE_MS) this.#records.delete(record.endpointId)
  }
}

/** Whatever came last: that it was seen, or that it left. */
function heardAt({ seenAt, changedAt }: KeptNode): number {
  return Math.max(seenAt ?? Number.NEGATIVE_INFINITY, changedAt)
}

import type { LinkedPeer } from '../ports/index.ts'
import type { Membership, NodeId } from '../raft/index.ts'
import type { MessagePart } from './message-part.ts'

/**
 * Who is who: node ids and the keys they are bound to. The configuration binds; a link's claim counts only for ids that
 * the configuration does not name. But this configuration may be behind. Whoever campaigns or leads under an id that has
 * another key here is heard, and answered on its own link; what it answers counts for nothing (docs/adr/0009).
 */
export class Directory {
  readonly #self: NodeId
  readonly #bound = new Map<NodeId, string>()
  #boundKeys = new Set<string>()
  readonly #linked = new Map<string, LinkedPeer>()
  /** By id, the key that spoke as candidate or leader last, where the configuration binds the id to another or to none. */
  readonly #unbound = { campaign: new Map<NodeId, string>(), lead: new Map<NodeId, string>() }

  constructor(self: NodeId) {
    this.#self = self
  }

  /** The configuration names these members. Those it no longer names stay reachable until their link closes. */
  follow(membership: Membership): void {
    this.#bound.clear()
    this.#boundKeys = new Set(membership.members.map((member) => member.endpointId))
    for (const member of membership.members) this.#bound.set(member.id, member.endpointId)
    this.#forget((endpointId, id) => this.#bound.get(id) === endpointId)
  }

  linked(peer: LinkedPeer): void {
    this.#forget((endpointId, id) => endpointId === peer.endpointId && id !== peer.claims.nodeId)
    this.#linked.set(peer.endpointId, peer)
  }

  unlinked(endpointId: string): void {
    this.#forget((spoke) => spoke === endpointId)
    this.#linked.delete(endpointId)
  }

  link(endpointId: string): LinkedPeer | undefined {
    return this.#linked.get(endpointId)
  }

  links(): IterableIterator<LinkedPeer> {
    return this.#linked.values()
  }

  /** The key to which messages for `id` go, or undefined when none is known. */
  endpointOf(id: NodeId): string | undefined {
    const bound = this.#bound.get(id)
    if (bound !== undefined) return bound
    for (const peer of this.#linked.values()) if (peer.claims.nodeId === id) return peer.endpointId
    return undefined
  }

  /** The key to which `id` is answered, or asked as a leader: that which spoke so last. */
  endpointFor(part: MessagePart, id: NodeId): string | undefined {
    if (part === 'elect') return this.#unbound.campaign.get(id) ?? this.endpointOf(id)
    if (part === 'follow' || part === 'ask') return this.#unbound.lead.get(id) ?? this.endpointOf(id)
    return this.endpointOf(id)
  }

  /** The linked holder of `endpointId` has spoken as a candidate or leader with this id, and is listened to. */
  spoke(part: 'campaign' | 'lead', id: NodeId, endpointId: string): void {
    if (this.#bound.get(id) === endpointId) this.#unbound[part].delete(id)
    else this.#unbound[part].set(id, endpointId)
  }

  /** The id that the holder of `endpointId` may speak for, or undefined for a stranger with a member's id. */
  idOf(endpointId: string): NodeId | undefined {
    const nodeId = this.claimOf(endpointId)
    const bound = nodeId === undefined ? undefined : this.#bound.get(nodeId)
    return bound === undefined || bound === endpointId ? nodeId : undefined
  }

  /** As `idOf`, and also an id that this configuration binds to another key. */
  claimOf(endpointId: string): NodeId | undefined {
    const nodeId = this.#linked.get(endpointId)?.claims.nodeId
    if (nodeId === undefined || nodeId === this.#self) return undefined
    // A key has one id.
    return this.#boundKeys.has(endpointId) && this.#bound.get(nodeId) !== endpointId ? undefined : nodeId
  }

  /** Whether the holder of `endpointId` is the one who leads under this id, as far as is known. */
  isLeading(id: NodeId, endpointId: string): boolean {
    return this.endpointFor('ask', id) === endpointId
  }

  /** Whether what is said to `id` in this part finds a link. */
  isLinked(id: NodeId, part: MessagePart = 'lead'): boolean {
    const endpointId = this.endpointFor(part, id)
    return endpointId !== undefined && this.#linked.has(endpointId)
  }

  #forget(which: (endpointId: string, id: NodeId) => boolean): void {
    for (const keys of Object.values(this.#unbound)) {
      for (const [id, endpointId] of keys) if (which(endpointId, id)) keys.delete(id)
    }
  }
}

import type { LinkedPeer } from '../ports/index.ts'
import type { Membership, NodeId } from '../raft/index.ts'

/**
 * Who is who: node ids and the keys they are bound to. The configuration binds; a link's claim counts only for
 * ids that the configuration does not name.
 */
export class Directory {
  readonly #self: NodeId
  readonly #bound = new Map<NodeId, string>()
  #boundKeys = new Set<string>()
  readonly #linked = new Map<string, LinkedPeer>()

  constructor(self: NodeId) {
    this.#self = self
  }

  /** The configuration names these members. Those it no longer names stay reachable until their link closes. */
  follow(membership: Membership): void {
    this.#bound.clear()
    this.#boundKeys = new Set(membership.members.map((member) => member.endpointId))
    for (const member of membership.members) this.#bound.set(member.id, member.endpointId)
  }

  linked(peer: LinkedPeer): void {
    this.#linked.set(peer.endpointId, peer)
  }

  unlinked(endpointId: string): void {
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

  /** The id that the holder of `endpointId` may speak for, or undefined for a stranger with a member's id. */
  idOf(endpointId: string): NodeId | undefined {
    const peer = this.#linked.get(endpointId)
    if (peer === undefined || peer.claims.nodeId === this.#self) return undefined
    const { nodeId } = peer.claims
    const bound = this.#bound.get(nodeId)
    if (bound !== undefined) return bound === endpointId ? nodeId : undefined
    // A key has one id.
    return this.#boundKeys.has(endpointId) ? undefined : nodeId
  }

  isLinked(id: NodeId): boolean {
    const endpointId = this.endpointOf(id)
    return endpointId !== undefined && this.#linked.has(endpointId)
  }
}

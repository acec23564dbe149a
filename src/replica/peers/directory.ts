import { MAX_PEERS } from '../../limits.ts'
import type { LinkedPeer } from '../../ports/index.ts'
import type { Membership, NodeId } from '../../raft/index.ts'
import type { MessagePart } from './message-part.ts'

/**
 * Who is who: node ids and the keys they are bound to. The configuration binds; a link's claim counts only for ids that
 * the configuration does not name. But this configuration may be behind. Whoever campaigns or leads under an id that has
 * another key here is heard, and answered on its own link; what it answers counts for nothing (docs/adr/0009).
 *
 * Which look-up to use when:
 *
 * | to | use | is |
 * |---|---|---|
 * | send a message | `endpointFor(part, id)` | the key that leads under the id, for what is said to a leader; else `endpointOf` |
 * | send what is lost without a link | `linkFor(part, id)` | the same, or null while that key has no link |
 * | know whether a follower can be told something | `isLinked(id)` | `linkFor('lead', id)` |
 * | know where an id lives, whoever leads | `endpointOf(id)` | its key in the configuration; the last one, for who has left; what a link claims |
 * | let somebody speak whose words count | `idOf(key)` | the id of the link, unless the configuration binds it to another key |
 * | let somebody speak for itself: campaign, or lead | `claimOf(key)` | the id of the link, also if it is bound to another key |
 * | take an answer of a leader, or the news of its crash | `isLeading(id, key)` | whether what is asked of that leader goes to this key |
 */
export class Directory {
  readonly #self: NodeId
  readonly #bound = new Map<NodeId, string>()
  #boundKeys = new Set<string>()
  /** The last keys of members that have left, for as long as nobody else has their ids. */
  readonly #departed = new Map<NodeId, string>()
  readonly #linked = new Map<string, LinkedPeer>()
  /** By id, the linked key that spoke as its leader last, where the configuration binds the id to another or to none. */
  readonly #leading = new Map<NodeId, string>()

  constructor(self: NodeId) {
    this.#self = self
  }

  /** The configuration names these members. Those it no longer names stay reachable under their last key. */
  follow(membership: Membership): void {
    for (const [id, endpointId] of this.#bound) {
      // The newest last.
      this.#departed.delete(id)
      this.#departed.set(id, endpointId)
    }
    this.#bound.clear()
    this.#boundKeys = new Set(membership.members.map((member) => member.endpointId))
    for (const { id, endpointId } of membership.members) {
      this.#bound.set(id, endpointId)
      this.#departed.delete(id)
    }
    // Of more than can be linked at a time, the oldest is nobody's any more.
    for (const id of this.#departed.keys()) {
      if (this.#departed.size <= MAX_PEERS) break
      this.#departed.delete(id)
    }
    this.#forget((endpointId, id) => this.#bound.get(id) === endpointId)
  }

  linked(peer: LinkedPeer): void {
    this.#forget((endpointId, id) => endpointId === peer.endpointId && id !== peer.claims.nodeId)
    this.#linked.set(peer.endpointId, peer)
  }

  unlinked(endpointId: string): void {
    this.#forget((leading) => leading === endpointId)
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
    const known = this.#bound.get(id) ?? this.#departed.get(id)
    if (known !== undefined) return known
    for (const peer of this.#linked.values()) if (peer.claims.nodeId === id) return peer.endpointId
    return undefined
  }

  /** The key to which `id` is sent what is spoken in this part: a leader is asked where it spoke last. */
  endpointFor(part: MessagePart, id: NodeId): string | undefined {
    const leading = part === 'follow' || part === 'ask' ? this.#leading.get(id) : undefined
    return leading ?? this.endpointOf(id)
  }

  /** The linked holder of `endpointId` has spoken as the leader of a term that is not over, with this id. */
  leads(id: NodeId, endpointId: string): void {
    if (this.#bound.get(id) === endpointId) this.#leading.delete(id)
    else this.#leading.set(id, endpointId)
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

  /** Whether the holder of `endpointId` is the one who leads under this id when anybody does, as far as is known. */
  isLeading(id: NodeId, endpointId: string): boolean {
    return this.endpointFor('ask', id) === endpointId
  }

  /** As `endpointFor`, or null while that key has no link. */
  linkFor(part: MessagePart, id: NodeId): string | null {
    const endpointId = this.endpointFor(part, id)
    return endpointId !== undefined && this.#linked.has(endpointId) ? endpointId : null
  }

  /** Whether what is said to a follower finds a link. */
  isLinked(id: NodeId): boolean {
    return this.linkFor('lead', id) !== null
  }

  #forget(which: (endpointId: string, id: NodeId) => boolean): void {
    for (const [id, endpointId] of this.#leading) if (which(endpointId, id)) this.#leading.delete(id)
  }
}

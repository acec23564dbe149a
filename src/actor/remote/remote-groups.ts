import { WireError } from '../../lib/index.ts'
import { MAX_GROUP_MEMBERSHIPS } from '../../limits.ts'
import type { Groups, Membership } from '../groups/index.ts'
import type { Messenger } from '../reference.ts'
import type { Handlers } from '../protocol.ts'

/** What one peer has said of the groups of its actors in this talk. */
interface SaidByPeer {
  /** Under which its members are known here; null: the configuration binds no id to it, and they are not. */
  node: number | null
  readonly memberships: Map<string, Membership>
}

/** Whoever a membership is told to. */
interface Told {
  tellGroup(group: string, name: string, isMember: boolean): void
}

/**
 * The groups of this node's actors are told to every peer when the talk with it begins, and then as they change; what peers say of
 * theirs is known here until the talk ends. Known late, and by every node on its own: groups are for finding somebody, never for keeping anybody out.
 */
export class RemoteGroups {
  readonly #groups: Groups
  readonly #nodeOf: (endpointId: string) => number | null
  readonly #refTo: (node: number, name: string) => Messenger<Handlers>
  readonly #peers = new Map<string, SaidByPeer>()

  constructor(
    groups: Groups,
    nodeOf: (endpointId: string) => number | null,
    refTo: (node: number, name: string) => Messenger<Handlers>,
  ) {
    this.#groups = groups
    this.#nodeOf = nodeOf
    this.#refTo = refTo
  }

  begun(endpointId: string, talk: Told): void {
    this.#peers.set(endpointId, { node: this.#nodeOf(endpointId), memberships: new Map() })
    for (const { group, name } of this.#groups.local()) talk.tellGroup(group, name, true)
  }

  /** @throws WireError when it is of more memberships than a node has */
  said(endpointId: string, membership: Membership, isMember: boolean): void {
    const said = this.#peers.get(endpointId)
    if (said === undefined) return
    const { group, name } = membership
    const key = `${group}/${name}`
    if (!isMember) {
      said.memberships.delete(key)
      if (said.node !== null) this.#groups.leftFrom(group, said.node, name)
      return
    }
    if (said.memberships.size >= MAX_GROUP_MEMBERSHIPS && !said.memberships.has(key))
      throw new WireError(`more than ${MAX_GROUP_MEMBERSHIPS} memberships of groups`)
    said.memberships.set(key, membership)
    this.#join(said.node, membership)
  }

  #join(node: number | null, { group, name }: Membership): void {
    if (node !== null) this.#groups.joinedFrom(group, { node, name, ref: this.#refTo(node, name) })
  }

  ended(endpointId: string): void {
    const node = this.#peers.get(endpointId)?.node
    if (!this.#peers.delete(endpointId)) return
    if (node !== null && node !== undefined) this.#groups.forget(node)
  }

  /** The configuration binds other keys to ids than before. */
  bindingsChanged(): void {
    const moved = [...this.#peers].filter(([endpointId, { node }]) => this.#nodeOf(endpointId) !== node)
    for (const [, { node }] of moved) if (node !== null) this.#groups.forget(node)
    for (const [endpointId, said] of moved) {
      said.node = this.#nodeOf(endpointId)
      for (const membership of said.memberships.values()) this.#join(said.node, membership)
    }
  }
}

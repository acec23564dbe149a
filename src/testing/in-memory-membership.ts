/** The checks and changes of a membership that live in one process: every known peer counts as connected and caught up. */
import { AspenError, checkVoters } from '../api/index.ts'
import type { AddPeerRequest, ChangeMembershipRequest, ClusterNode, ClusterState } from '../api/index.ts'
import { MAX_LEARNERS } from '../limits.ts'
import { PeerBook } from '../peers/index.ts'

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i])
}

function changed({ members, learners, index }: ClusterState): AspenError {
  const words = `the voters are ${members.join(', ')} by the configuration of entry ${index}, and not what the change was meant for`
  return new AspenError('MEMBERSHIP_CHANGED', words, { members, learners, index })
}

export class InMemoryMembership {
  readonly #self: ClusterNode
  readonly #book = new PeerBook()
  readonly #nextIndex: () => number
  #state: ClusterState = { members: [], learners: [], index: 0, nodes: [] }

  /** @param nextIndex where the entry stands in the log that a change of the membership costs */
  constructor(self: ClusterNode, nextIndex: () => number) {
    this.#self = self
    this.#nextIndex = nextIndex
  }

  get initialized(): boolean {
    return this.#state.members.length > 0
  }

  get state(): ClusterState {
    return this.#state
  }

  /** Everyone in the peer book who is said to have a node id. */
  get peers(): readonly ClusterNode[] {
    return this.#book
      .entries()
      .flatMap(({ nodeId, endpointId, addresses }) => (nodeId === null ? [] : [{ id: nodeId, endpointId, addresses }]))
  }

  addPeer(peer: AddPeerRequest): void {
    const { nodeId, endpointId, addresses, relay = null } = peer
    if (endpointId === this.#self.endpointId) throw new AspenError('INVALID_REQUEST', 'endpoint_id is this node itself')
    if (nodeId === this.#self.id) throw new AspenError('INVALID_REQUEST', `node_id ${nodeId} is this node itself`)
    const holder = this.#state.nodes.find((node) => node.endpointId === endpointId)
    if (holder !== undefined && holder.id !== nodeId) {
      const message = `endpoint_id is the key of member ${holder.id}, not of node ${nodeId}`
      throw new AspenError('NODE_AMBIGUOUS', message, { endpoint_ids: [endpointId] })
    }
    const result = this.#book.add({ nodeId, endpointId, addresses, relay }, 'add-peer')
    if (result === 'invalid') {
      throw new AspenError('INVALID_REQUEST', 'endpoint_id must be 64 lower-case hexadecimal digits, and every address host:port')
    }
    if (result === 'full')
      throw new AspenError('QUOTA_EXCEEDED', 'the peer book is full: forget some peers', { quota: 'peer_book' })
  }

  forgetPeer(endpointId: string): void {
    const member = this.#state.nodes.find((node) => node.endpointId === endpointId)
    if (member !== undefined) {
      throw new AspenError('INVALID_REQUEST', `endpoint_id is the key of member ${member.id}`, { node_id: member.id })
    }
    if (this.#book.remove(endpointId)) return
    throw new AspenError('NODE_UNKNOWN', 'no peer has this endpoint_id', { endpoint_id: endpointId })
  }

  /** The voters of a first configuration, this node among them. @throws AspenError INVALID_REQUEST */
  checkFounders(members: readonly number[]): readonly number[] {
    const voters = checkVoters(members)
    if (voters.includes(this.#self.id)) return voters
    throw new AspenError('INVALID_REQUEST', `this is node ${this.#self.id}, which is not among the members: ask one of them`)
  }

  init(voters: readonly number[]): ClusterState {
    const nodes = voters.map((id) => (id === this.#self.id ? this.#self : this.#find(id, undefined)))
    if (this.initialized) {
      throw new AspenError('ALREADY_INITIALIZED', 'this node already belongs to a cluster; nothing was changed')
    }
    return this.#become(voters, [], nodes)
  }

  addLearner(nodeId: number, endpointId: string | undefined): ClusterState {
    const { members, learners, nodes } = this.#state
    const present = nodes.find((node) => node.id === nodeId)
    if (present === undefined) {
      if (learners.length >= MAX_LEARNERS)
        throw new AspenError(
          'INVALID_REQUEST',
          `the cluster has ${MAX_LEARNERS} learners, and more are not allowed: remove one first`,
        )
      return this.#become(members, [...learners, nodeId], [...nodes, this.#find(nodeId, endpointId)])
    }
    if (endpointId === undefined || endpointId === present.endpointId) return this.#state
    const message = `node ${nodeId} is a member with key ${present.endpointId}: remove it before adding another`
    throw new AspenError('NODE_AMBIGUOUS', message, { endpoint_ids: [present.endpointId, endpointId] })
  }

  /** Without learners, those of today stay. A learner among the voters is a voter. */
  change({ members, learners: wanted, ifMembers, ifIndex }: ChangeMembershipRequest): ClusterState {
    const { nodes, index } = this.#state
    if ((ifIndex ?? index) !== index || !sameIds(ifMembers ?? this.#state.members, this.#state.members))
      throw changed(this.#state)
    const all = wanted ?? this.#state.learners
    const stranger = [...members, ...all].find((id) => !nodes.some((node) => node.id === id))
    if (stranger !== undefined) {
      throw new AspenError('NODE_UNKNOWN', `node ${stranger} is not a member: add it as a learner first`, { node_id: stranger })
    }
    const learners = all.filter((id) => !members.includes(id))
    if (sameIds(members, this.#state.members) && sameIds(learners, this.#state.learners)) return this.#state
    return this.#become(members, learners, nodes)
  }

  #find(nodeId: number, endpointId: string | undefined): ClusterNode {
    const candidates = this.peers.filter((peer) => peer.id === nodeId && (endpointId ?? peer.endpointId) === peer.endpointId)
    if (candidates.length > 1) {
      throw new AspenError(
        'NODE_AMBIGUOUS',
        `${candidates.length} peers claim to be node ${nodeId}: choose one by its endpoint id`,
        { endpoint_ids: candidates.map((peer) => peer.endpointId) },
      )
    }
    const [node] = candidates
    if (node === undefined) throw new AspenError('NODE_UNKNOWN', `no peer claims to be node ${nodeId}`, { node_id: nodeId })
    return node
  }

  #become(members: readonly number[], learners: readonly number[], known: readonly ClusterNode[]): ClusterState {
    const named = new Set([...members, ...learners])
    this.#state = {
      members,
      learners: learners.toSorted((a, b) => a - b),
      index: this.#nextIndex(),
      nodes: known.filter((node) => named.has(node.id)).toSorted((a, b) => a.id - b.id),
    }
    return this.#state
  }
}

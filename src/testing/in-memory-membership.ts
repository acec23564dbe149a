/** The checks and changes of a membership that live in one process: every known peer counts as connected and caught up. */
import { AspenError } from '../api/index.ts'
import type { AddPeerRequest, ChangeMembershipRequest, ClusterNode, ClusterState } from '../api/index.ts'
import { MAX_PEERS, MAX_VOTERS } from '../limits.ts'

const ENDPOINT_ID = /^[0-9a-f]{64}$/

function checkNodeIds(ids: readonly number[], what: string, limit: number): void {
  if (ids.length > limit) {
    throw new AspenError('INVALID_REQUEST', `${ids.length} ${what} were given; at most ${limit} are allowed`, { limit })
  }
  for (const id of ids) {
    if (!Number.isSafeInteger(id) || id < 1) {
      throw new AspenError('INVALID_REQUEST', `${id} is not a node id: it must be a whole number from 1 to 2^53-1`)
    }
  }
  if (new Set(ids).size < ids.length) throw new AspenError('INVALID_REQUEST', `a node id occurs twice among the ${what}`)
}

function checkVoters(members: readonly number[]): void {
  if (members.length === 0) throw new AspenError('INVALID_REQUEST', 'the list of members is empty: give at least one node id')
  checkNodeIds(members, 'members', MAX_VOTERS)
}

export class InMemoryMembership {
  readonly #self: ClusterNode
  readonly #peers = new Map<string, ClusterNode>()
  #state: ClusterState = { members: [], learners: [], nodes: [] }

  constructor(self: ClusterNode) {
    this.#self = self
  }

  get initialized(): boolean {
    return this.#state.members.length > 0
  }

  get state(): ClusterState {
    return this.#state
  }

  get peers(): readonly ClusterNode[] {
    return [...this.#peers.values()]
  }

  addPeer(peer: AddPeerRequest): void {
    checkNodeIds([peer.nodeId], 'peers', 1)
    if (!ENDPOINT_ID.test(peer.endpointId)) {
      throw new AspenError('INVALID_REQUEST', 'the endpoint id is not an Ed25519 public key: give 64 lower-case hex characters')
    }
    if (this.#peers.size >= MAX_PEERS && !this.#peers.has(peer.endpointId)) {
      throw new AspenError('OVERLOADED', `the peer book holds ${MAX_PEERS} peers already`, { limit: MAX_PEERS })
    }
    this.#peers.set(peer.endpointId, { id: peer.nodeId, endpointId: peer.endpointId, addresses: [...peer.addresses] })
  }

  init(members: readonly number[]): ClusterState {
    checkVoters(members)
    if (this.initialized) throw new AspenError('ALREADY_INITIALIZED', 'this node belongs to a cluster already')
    if (!members.includes(this.#self.id)) {
      throw new AspenError('INVALID_REQUEST', `this node, ${this.#self.id}, must be among the first members`)
    }
    return this.#become(members, [], [])
  }

  addLearner(nodeId: number, endpointId: string | undefined): ClusterState {
    checkNodeIds([nodeId], 'learners', 1)
    const { members, learners, nodes } = this.#state
    if (members.includes(nodeId) || learners.includes(nodeId)) return this.#state
    const node = this.#find(nodeId, endpointId)
    return this.#become(members, [...learners, nodeId], [...nodes, node])
  }

  change(request: ChangeMembershipRequest): ClusterState {
    checkVoters(request.members)
    const kept = this.#state.learners.filter((id) => !request.members.includes(id))
    const learners = request.learners ?? kept
    checkNodeIds(learners, 'learners', MAX_PEERS)
    const both = learners.find((id) => request.members.includes(id))
    if (both !== undefined) throw new AspenError('INVALID_REQUEST', `node ${both} is given as member and as learner`)
    const known = new Set(this.#state.nodes.map((node) => node.id))
    const unknown = [...request.members, ...learners].find((id) => !known.has(id))
    if (unknown !== undefined) {
      throw new AspenError('NODE_UNKNOWN', `node ${unknown} is not in the cluster: add it as a learner first`, {
        node_id: unknown,
      })
    }
    return this.#become(request.members, learners, this.#state.nodes)
  }

  #find(nodeId: number, endpointId: string | undefined): ClusterNode {
    if (nodeId === this.#self.id) return this.#self
    const candidates = this.peers.filter((peer) => peer.id === nodeId && (endpointId ?? peer.endpointId) === peer.endpointId)
    if (candidates.length > 1) {
      throw new AspenError(
        'NODE_AMBIGUOUS',
        `${candidates.length} peers claim to be node ${nodeId}: choose one by its endpoint id`,
        {
          endpoint_ids: candidates.map((peer) => peer.endpointId),
        },
      )
    }
    const [node] = candidates
    if (node === undefined) throw new AspenError('NODE_UNKNOWN', `no peer claims to be node ${nodeId}`, { node_id: nodeId })
    return node
  }

  #become(members: readonly number[], learners: readonly number[], known: readonly ClusterNode[]): ClusterState {
    const nodes = new Map(known.map((node) => [node.id, node]))
    const ids = [...members, ...learners].toSorted((a, b) => a - b)
    this.#state = {
      members: members.toSorted((a, b) => a - b),
      learners: learners.toSorted((a, b) => a - b),
      nodes: ids.map((id) => nodes.get(id) ?? this.#find(id, undefined)),
    }
    return this.#state
  }
}

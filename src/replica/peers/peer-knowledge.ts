import { AspenError } from '../../api/index.ts'
import type { LinkedPeer, PeerReport } from '../../ports/index.ts'
import type { Member, NodeId } from '../../raft/index.ts'

/** Of a key, for people. */
const SHOWN_DIGITS = 16

/** What is known of other nodes, members or not. */
export interface PeerKnowledge {
  readonly links: Iterable<LinkedPeer>
  readonly reports: readonly PeerReport[]
  /** The id a peer is said to have, for error messages only. */
  readonly nodeIdHint: (endpointId: string) => NodeId | null
  /** The cluster of this node, or null before it has one. */
  readonly clusterId: string | null
}

/** The one live link that claims `nodeId`: its key is what the configuration binds. Hearsay only explains why there is none. */
export function bindMember(nodeId: NodeId, endpointId: string | null, peers: PeerKnowledge): Member | AspenError {
  const claiming = [...peers.links].filter(
    (peer) => peer.claims.nodeId === nodeId && (endpointId === null || peer.endpointId === endpointId),
  )
  const [peer, second] = claiming
  if (peer === undefined) return noSuchPeer(nodeId, peers)
  const theirs = peer.claims.clusterId
  if (second === undefined && theirs !== null && theirs !== peers.clusterId) return foreignPeer(nodeId, peer.endpointId)
  if (second === undefined) return { id: nodeId, endpointId: peer.endpointId, addresses: [...peer.claims.addresses] }
  return new AspenError(
    'NODE_AMBIGUOUS',
    `${claiming.length} live peers claim node id ${nodeId}: choose one with "endpoint_id"`,
    { endpoint_ids: claiming.map((one) => one.endpointId) },
  )
}

function noSuchPeer(nodeId: NodeId, { reports, nodeIdHint }: PeerKnowledge): AspenError {
  const refused = reports.find(
    ({ endpointId, claims, lastError }) =>
      lastError?.startsWith('CLUSTER_MISMATCH') === true && (claims?.nodeId ?? nodeIdHint(endpointId)) === nodeId,
  )
  if (refused === undefined) {
    const known = reports.find(
      ({ endpointId, claims, lastError }) => claims === null && lastError !== null && nodeIdHint(endpointId) === nodeId,
    )
    const words =
      known === undefined
        ? 'start it, and make it known in the setting peers or by POST /add-peer'
        : `it is known as ${known.endpointId.slice(0, SHOWN_DIGITS)}..., and not linked: ${known.lastError}. ` +
          'Start it there, or correct its address with POST /add-peer'
    return new AspenError('NODE_UNKNOWN', `no live peer claims node id ${nodeId}: ${words}`, { node_id: nodeId })
  }
  return foreignPeer(nodeId, refused.endpointId)
}

function foreignPeer(nodeId: NodeId, endpointId: string): AspenError {
  return new AspenError(
    'CLUSTER_MISMATCH',
    `node ${nodeId} belongs to another cluster: start it with an empty data directory to add it here`,
    { node_id: nodeId, endpoint_id: endpointId },
  )
}

import { AspenError } from '../../api/index.ts'
import type { LinkedPeer, PeerReport } from '../../ports/index.ts'
import type { Member, NodeId } from '../../raft/index.ts'
import type { PeerSources } from '../options.ts'

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
  /** Where this node hears of others, for error messages only. */
  readonly sources?: PeerSources
}

/**
 * The one live link that claims `nodeId`, and belongs to no other cluster: its key is what the configuration binds. Hearsay only explains why
 * there is none.
 */
export function bindMember(nodeId: NodeId, endpointId: string | null, peers: PeerKnowledge): Member | AspenError {
  const claiming = [...peers.links].filter(
    (peer) => peer.claims.nodeId === nodeId && (endpointId === null || peer.endpointId === endpointId),
  )
  const eligible = claiming.filter(({ claims: { clusterId } }) => clusterId === null || clusterId === peers.clusterId)
  const [peer, second] = eligible
  if (peer === undefined) {
    const [foreign] = claiming
    return foreign === undefined ? noSuchPeer(nodeId, endpointId, peers) : foreignPeer(nodeId, foreign.endpointId)
  }
  if (second === undefined) return { id: nodeId, endpointId: peer.endpointId, addresses: [...peer.claims.addresses] }
  return new AspenError(
    'NODE_AMBIGUOUS',
    `${eligible.length} live peers claim node id ${nodeId}: choose one with "endpoint_id" where that is taken, or stop the other; POST /forget-peer takes one that is gone out of the book`,
    { endpoint_ids: eligible.map((one) => one.endpointId) },
  )
}

/**
 * Whether a link that is still to come may change what `bindMember` said: also where a node of another cluster has the id that was asked for, for
 * there may be many on one network.
 */
export function mayStillLink({ code }: AspenError, endpointId: string | null): boolean {
  return code === 'NODE_UNKNOWN' || (code === 'CLUSTER_MISMATCH' && endpointId === null)
}

function noSuchPeer(nodeId: NodeId, wanted: string | null, peers: PeerKnowledge): AspenError {
  const { nodeIdHint } = peers
  const reports = peers.reports.filter(({ endpointId }) => wanted === null || endpointId === wanted)
  const refused = reports.find(
    ({ endpointId, claims, lastError }) =>
      lastError?.startsWith('CLUSTER_MISMATCH') === true && (claims?.nodeId ?? nodeIdHint(endpointId)) === nodeId,
  )
  if (refused !== undefined) return foreignPeer(nodeId, refused.endpointId)
  const known = reports.find(
    ({ endpointId, claims, lastError }) => claims === null && lastError !== null && nodeIdHint(endpointId) === nodeId,
  )
  const words =
    known === undefined
      ? 'start it, and make it known in the setting peers or by POST /add-peer'
      : `it is known as ${known.endpointId.slice(0, SHOWN_DIGITS)}..., and not linked: ${known.lastError}. ` +
        'Start it there, or correct its address with POST /add-peer'
  const sources = peers.sources?.views() ?? []
  const tried = sources.map(({ source, lastError }) => (lastError === null ? source : `${source} (${lastError})`))
  const where = tried.length === 0 ? '' : `. It was looked for through ${tried.join(', ')}`
  return new AspenError('NODE_UNKNOWN', `no live peer claims node id ${nodeId}: ${words}${where}`, {
    node_id: nodeId,
    ...(sources.length === 0
      ? {}
      : { sources: sources.map(({ source, detail, lastError }) => ({ source, detail, last_error: lastError })) }),
  })
}

function foreignPeer(nodeId: NodeId, endpointId: string): AspenError {
  return new AspenError(
    'CLUSTER_MISMATCH',
    `node ${nodeId} belongs to another cluster: start it with an empty data directory to add it here`,
    { node_id: nodeId, endpoint_id: endpointId },
  )
}

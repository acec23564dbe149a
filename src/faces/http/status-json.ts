/** A node's status and membership as JSON: the same facts, in the spelling of the HTTP API. */
import { NEWCOMER_ADVICE } from '../../api/index.ts'
import type {
  ActorFailure,
  ActorStatus,
  ClusterState,
  DiskStatus,
  MemberHealth,
  NodeStatus,
  PeerStatus,
} from '../../api/index.ts'

export function clusterJson(state: ClusterState): object {
  return {
    members: state.members,
    learners: state.learners,
    index: state.index,
    nodes: state.nodes.map((node) => ({ id: node.id, endpoint_id: node.endpointId, addresses: node.addresses })),
  }
}

function peerJson(peer: PeerStatus): object {
  return {
    endpoint_id: peer.endpointId,
    node_id: peer.nodeId,
    connected: peer.connected,
    last_error: peer.lastError,
    path: peer.path,
    sources: peer.sources.map(({ source, ageMs }) => ({ source, age_ms: ageMs })),
    match_index: peer.matchIndex,
    last_contact_ms: peer.lastContactMs,
  }
}

function identityJson(status: NodeStatus): object {
  return {
    node_id: status.nodeId,
    endpoint_id: status.endpointId,
    version: status.version,
    addresses: status.addresses,
    cluster_id: status.clusterId,
    initialized: status.initialized,
    uptime_ms: status.uptimeMs,
    peers: status.peers.map(peerJson),
  }
}

export function nodeInfoJson(status: NodeStatus): object {
  return identityJson(status)
}

export function memberHealthJson({ nodeId, endpointId, condition, detail, forMs, needsAttention }: MemberHealth): object {
  return { node_id: nodeId, endpoint_id: endpointId, condition, detail, for_ms: forMs, needs_attention: needsAttention }
}

function diskJson(disk: DiskStatus): object {
  return {
    directory: disk.directory,
    free_bytes: disk.freeBytes,
    total_bytes: disk.totalBytes,
    used_percent: disk.usedPercent,
    is_low: disk.isLow,
    refused_writes: disk.refusedWrites,
  }
}

export function raftMetricsJson(status: NodeStatus): object {
  return {
    ...identityJson(status),
    role: status.role,
    term: status.term,
    leader: status.leader,
    voted_for: status.votedFor,
    last_log_index: status.lastLogIndex,
    last_log_term: status.lastLogTerm,
    persisted_index: status.persistedIndex,
    commit_index: status.commitIndex,
    known_commit_index: status.knownCommitIndex,
    applied_index: status.appliedIndex,
    purged_index: status.purgedIndex,
    snapshot_index: status.snapshotIndex,
    log_bytes: status.logBytes,
    versions: { cluster: status.versions.cluster, own: status.versions.own, held_back_by: status.versions.heldBackBy },
    revision: status.revision,
    keys: status.keys,
    state_bytes: status.stateBytes,
    proposals_in_flight: status.proposalsInFlight,
    reads_in_flight: status.readsInFlight,
    mailbox: status.mailbox,
    turns: status.turns,
    elections_started: status.electionsStarted,
    leader_changes: status.leaderChanges,
    snapshots_sent: status.snapshotsSent,
    snapshots_installed: status.snapshotsInstalled,
    cluster: clusterJson(status.cluster),
    member_health: status.memberHealth.map(memberHealthJson),
    known_peers: status.knownPeers,
    disk: status.disk === null ? null : diskJson(status.disk),
    poisoned: status.poisoned,
    checks: status.checks,
    actors: status.actors.map((actor) => actorJson(actor, true)),
  }
}

/** The check that says whether the node still takes messages. Only it and a poisoned node make /health answer 503. */
export const LIVENESS_CHECK = 'raft_actor'

/** The check that says whether the node is still one of its cluster. */
const MEMBERSHIP_CHECK = 'membership'

/** Entries behind what is committed above which a node is not ready: a read there would wait for them. */
const MAX_READY_LAG = 1_000

/** Why reads and writes are not likely to succeed here, or null when they are. */
export function whyNotReady(status: NodeStatus, stopping: boolean): string | null {
  if (stopping) return 'this node is stopping'
  if (status.poisoned !== null) return 'this node makes no progress'
  if (!isAlive(status)) return 'this node makes no progress: it opens its data again'
  if (!status.initialized) return `this node belongs to no cluster yet. ${NEWCOMER_ADVICE}`
  if (status.checks.some(({ name, ok }) => name === MEMBERSHIP_CHECK && !ok)) return 'this node was removed from the cluster'
  if (!status.cluster.nodes.some(({ endpointId }) => endpointId === status.endpointId))
    return 'this node is no member of the cluster, as far as it knows'
  if (status.leader === null) return 'no leader is known'
  const lag = status.knownCommitIndex - status.appliedIndex
  return lag > MAX_READY_LAG ? `this node is ${lag} entries behind` : null
}

function isAlive(status: NodeStatus): boolean {
  return status.poisoned === null && !status.checks.some((check) => check.name === LIVENESS_CHECK && !check.ok)
}

export function readyJson(status: NodeStatus, stopping: boolean): { readonly ready: boolean; readonly body: object } {
  const reason = whyNotReady(status, stopping)
  return { ready: reason === null, body: { ready: reason === null, reason, node_id: status.nodeId, leader: status.leader } }
}

function actorJson({ path, state, uptimeMs, restarts, failures, lastFailure, circuit }: ActorStatus, told: boolean): object {
  const failure = lastFailure === null ? null : failureJson(lastFailure, told)
  return { path, state, uptime_ms: uptimeMs, restarts, failures, last_failure: failure, circuit }
}

function failureJson({ reason, agoMs, uptimeMs, pauseMs }: ActorFailure, told: boolean): object {
  return { reason: told ? reason : UNTOLD, ago_ms: agoMs, uptime_ms: uptimeMs, pause_ms: pauseMs }
}

/** What those who may not ask for more are told in place of details, which name folders and addresses. */
const UNTOLD = 'told to those who may ask'

/** @param told whether whoever asks may hear more than a probe needs */
export function healthJson(
  status: NodeStatus,
  { stopping, told }: { readonly stopping: boolean; readonly told: boolean },
): { readonly alive: boolean; readonly body: object } {
  const alive = !stopping && isAlive(status)
  const degraded = status.checks.some((check) => !check.ok)
  const body = {
    status: alive ? (degraded ? 'degraded' : 'healthy') : 'unhealthy',
    node_id: status.nodeId,
    leader: status.leader,
    ready: whyNotReady(status, stopping) === null,
    checks: Object.fromEntries(status.checks.map(({ name, ok, detail }) => [name, { ok, detail: told ? detail : UNTOLD }])),
    supervision: {
      turns: status.turns,
      mailbox: status.mailbox,
      poisoned: told || status.poisoned === null ? status.poisoned : UNTOLD,
      uptime_ms: status.uptimeMs,
      actors: status.actors.map((actor) => actorJson(actor, told)),
    },
  }
  return { alive, body }
}

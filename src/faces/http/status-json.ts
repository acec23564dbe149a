/** A node's status and membership as JSON: the same facts, in the spelling of the HTTP API. */
import type { ClusterState, DiskStatus, NodeStatus, PeerStatus } from '../../api/index.ts'

export function clusterJson(state: ClusterState): object {
  return {
    members: state.members,
    learners: state.learners,
    nodes: state.nodes.map((node) => ({ id: node.id, endpoint_id: node.endpointId, addresses: node.addresses })),
  }
}

function peerJson(peer: PeerStatus): object {
  return {
    endpoint_id: peer.endpointId,
    node_id: peer.nodeId,
    connected: peer.connected,
    last_error: peer.lastError,
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
    applied_index: status.appliedIndex,
    purged_index: status.purgedIndex,
    snapshot_index: status.snapshotIndex,
    log_bytes: status.logBytes,
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
    disk: status.disk === null ? null : diskJson(status.disk),
    poisoned: status.poisoned,
    checks: status.checks,
  }
}

/** The check that says whether the node still takes messages. Only it and a poisoned node make /health answer 503. */
export const LIVENESS_CHECK = 'raft_actor'

export function healthJson(status: NodeStatus, stopping: boolean): { readonly alive: boolean; readonly body: object } {
  const failing = status.checks.filter((check) => !check.ok)
  const alive = !stopping && status.poisoned === null && !failing.some((check) => check.name === LIVENESS_CHECK)
  const body = {
    status: alive ? (failing.length === 0 ? 'healthy' : 'degraded') : 'unhealthy',
    node_id: status.nodeId,
    leader: status.leader,
    ready: alive && status.initialized && status.leader !== null,
    checks: Object.fromEntries(status.checks.map((check) => [check.name, { ok: check.ok, detail: check.detail }])),
    supervision: {
      turns: status.turns,
      mailbox: status.mailbox,
      poisoned: status.poisoned,
      uptime_ms: status.uptimeMs,
    },
  }
  return { alive, body }
}

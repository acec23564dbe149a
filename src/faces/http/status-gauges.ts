/** The gauges that are read from a node's status whenever somebody scrapes. */
import type { DiskStatus, NodeStatus } from '../../api/index.ts'

export interface GaugeSample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface StatusGauge {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  samples(status: NodeStatus): readonly GaugeSample[]
}

function one(
  name: string,
  help: string,
  value: (status: NodeStatus) => number,
  type: 'gauge' | 'counter' = 'gauge',
): StatusGauge {
  return { name, help, type, samples: (status) => [{ labels: {}, value: value(status) }] }
}

const ROLES: readonly NodeStatus['role'][] = ['follower', 'pre-candidate', 'candidate', 'leader', 'learner']

/** Entries of a leader's log that a peer is not known to have. Followers do not know. */
function peerLag(status: NodeStatus): readonly GaugeSample[] {
  const samples: GaugeSample[] = []
  for (const { nodeId, matchIndex } of status.peers) {
    if (nodeId === null || matchIndex === null) continue
    samples.push({ labels: { peer: String(nodeId) }, value: Math.max(0, status.lastLogIndex - matchIndex) })
  }
  return samples
}

/** A node in memory has no volume to tell of. */
function ofDisk(
  name: string,
  help: string,
  value: (disk: DiskStatus) => number,
  type: 'gauge' | 'counter' = 'gauge',
): StatusGauge {
  return { name, help, type, samples: ({ disk }) => (disk === null ? [] : [{ labels: {}, value: value(disk) }]) }
}

export const STATUS_GAUGES: readonly StatusGauge[] = [
  {
    name: 'aspen_node_info',
    help: 'Always 1; the labels say which node this is.',
    type: 'gauge',
    samples: (status) => [
      { labels: { node_id: String(status.nodeId), endpoint_id: status.endpointId, version: status.version }, value: 1 },
    ],
  },
  {
    name: 'aspen_role',
    help: 'Role of the node: 1 for the one it has.',
    type: 'gauge',
    samples: (status) => ROLES.map((role) => ({ labels: { role }, value: status.role === role ? 1 : 0 })),
  },
  one('aspen_term', 'Current Raft term.', (status) => status.term),
  one('aspen_leader', 'Node id of the leader as this node knows it; 0 when it knows none.', (status) => status.leader ?? 0),
  one('aspen_is_leader', '1 when this node leads.', (status) => (status.role === 'leader' ? 1 : 0)),
  one('aspen_initialized', '1 when this node belongs to a cluster.', (status) => (status.initialized ? 1 : 0)),
  one('aspen_poisoned', '1 when this node stopped taking part after a fault.', (status) => (status.poisoned === null ? 0 : 1)),
  one('aspen_last_log_index', 'Index of the last entry of the log.', (status) => status.lastLogIndex),
  one('aspen_persisted_index', 'Index of the last durable entry of the log.', (status) => status.persistedIndex),
  one('aspen_commit_index', 'Index of the last committed entry known here.', (status) => status.commitIndex),
  one('aspen_applied_index', 'Index of the last applied entry.', (status) => status.appliedIndex),
  one('aspen_apply_lag_entries', 'Entries committed and not yet applied.', (status) => status.commitIndex - status.appliedIndex),
  one('aspen_purged_index', 'Index of the last entry dropped from the log.', (status) => status.purgedIndex),
  one('aspen_snapshot_index', 'Index of the last entry in the newest snapshot.', (status) => status.snapshotIndex),
  one('aspen_log_bytes', 'Bytes held by the log.', (status) => status.logBytes),
  ofDisk('aspen_disk_used_ratio', 'How full the fullest volume of the node is, from 0 to 1.', (disk) => disk.usedPercent / 100),
  ofDisk('aspen_disk_free_bytes', 'Bytes free on the fullest volume of the node.', (disk) => disk.freeBytes),
  ofDisk('aspen_disk_low', '1 when that volume is so full that a leader refuses growth.', (disk) => (disk.isLow ? 1 : 0)),
  ofDisk(
    'aspen_disk_refused_writes_total',
    'Writes refused because a volume was nearly full.',
    (disk) => disk.refusedWrites,
    'counter',
  ),
  one(
    'aspen_cluster_version',
    'Version of the cluster: commands of a later one are refused.',
    (status) => status.versions.cluster,
  ),
  one('aspen_own_version', 'The highest version of the cluster that this node can apply.', (status) => status.versions.own),
  one(
    'aspen_version_held_back_by',
    'Members that cannot apply the own version of this node, or have no link to it.',
    (status) => status.versions.heldBackBy.length,
  ),
  one('aspen_keys', 'Keys in the state.', (status) => status.keys),
  one('aspen_revision', 'Revision of the state: of the last write that changed a key.', (status) => status.revision),
  one('aspen_state_bytes', 'Bytes of keys and values in the state.', (status) => status.stateBytes),
  one('aspen_proposals_in_flight', 'Writes proposed and not yet answered.', (status) => status.proposalsInFlight),
  one('aspen_reads_in_flight', 'Reads not yet answered.', (status) => status.readsInFlight),
  one('aspen_mailbox_depth', 'Messages waiting for the Raft actor.', (status) => status.mailbox.depth),
  one('aspen_mailbox_capacity', 'Messages that may wait for the Raft actor.', (status) => status.mailbox.capacity),
  one('aspen_mailbox_refused_total', 'Messages the full mailbox refused.', (status) => status.mailbox.refused, 'counter'),
  one(
    'aspen_turns_total',
    'Turns of the replica: inputs taken in together, and what follows from them carried out.',
    (status) => status.turns,
    'counter',
  ),
  one('aspen_elections_started_total', 'Elections this node started.', (status) => status.electionsStarted, 'counter'),
  one('aspen_leader_changes_total', 'Changes of leader this node saw.', (status) => status.leaderChanges, 'counter'),
  one('aspen_snapshots_sent_total', 'Snapshots sent to peers.', (status) => status.snapshotsSent, 'counter'),
  one('aspen_snapshots_installed_total', 'Snapshots received and installed.', (status) => status.snapshotsInstalled, 'counter'),
  one('aspen_voters', 'Voters of the cluster.', (status) => status.cluster.members.length),
  one('aspen_learners', 'Learners of the cluster.', (status) => status.cluster.learners.length),
  one(
    'aspen_members_needing_attention',
    'Other members that are not well since a minute, as this node sees it.',
    (status) => status.memberHealth.filter(({ needsAttention }) => needsAttention).length,
  ),
  {
    name: 'aspen_member_well',
    help: '1 for another member that seems well, else 0 for what seems to be the matter.',
    type: 'gauge',
    samples: ({ memberHealth }) =>
      memberHealth.map(({ nodeId, condition }) => ({
        labels: { member: String(nodeId), condition },
        value: condition === 'well' ? 1 : 0,
      })),
  },
  {
    name: 'aspen_peers',
    help: 'Peers in the peer book, by who spoke of them and whether they are linked; one that several spoke of counts for each.',
    type: 'gauge',
    samples: ({ knownPeers }) =>
      knownPeers.map(({ source, connected, peers }) => ({ labels: { source, connected: String(connected) }, value: peers })),
  },
  one('aspen_peers_known', 'Peers that are linked or dialled.', (status) => status.peers.length),
  one('aspen_peers_connected', 'Peers with a live link.', (status) => status.peers.filter((peer) => peer.connected).length),
  { name: 'aspen_peer_lag_entries', help: 'On a leader: entries a peer does not have yet.', type: 'gauge', samples: peerLag },
  one('aspen_uptime_seconds', 'Seconds since the node started.', (status) => status.uptimeMs / 1000),
]

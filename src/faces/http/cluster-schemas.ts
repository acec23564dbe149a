/** Requests and answers of the routes that administer and describe a cluster. */
import { MAX_LEARNERS, MAX_RELAY_URL_SIZE, MAX_VOTERS } from '../../limits.ts'
import {
  Addresses,
  Count,
  EndpointId,
  LogId,
  NodeId,
  OptionalNodeId,
  OptionalText,
  strictObject,
  TimeoutMs,
} from './schema-parts.ts'
import { Type } from './schema.ts'

const Members = Type.Array(NodeId, {
  minItems: 1,
  maxItems: MAX_VOTERS,
  description: `The voters: 1 to ${MAX_VOTERS} node ids, none twice.`,
  examples: [[1, 2, 3]],
})

export const InitBody = strictObject({ members: Members, timeout_ms: TimeoutMs }, { examples: [{ members: [1] }] })

export const AddLearnerBody = strictObject(
  { node_id: NodeId, endpoint_id: Type.Optional(EndpointId), timeout_ms: TimeoutMs },
  { examples: [{ node_id: 2 }] },
)

/** What makes whoever comes second lose, where a change has it. */
export const condition = {
  if_members: Type.Optional({
    ...Members,
    description: 'The voters that this is meant for: 409 MEMBERSHIP_CHANGED when they are others.',
  }),
  if_index: Type.Optional(Type.Integer({ minimum: 1, description: 'As if_members, by the index of the configuration.' })),
}

export const ChangeMembershipBody = strictObject(
  {
    members: Members,
    learners: Type.Optional(
      Type.Array(NodeId, {
        maxItems: MAX_LEARNERS,
        description: `The learners afterwards, at most ${MAX_LEARNERS}; absent: today's who do not become voters.`,
      }),
    ),
    ...condition,
    timeout_ms: TimeoutMs,
  },
  { examples: [{ members: [1, 2, 3], if_members: [1, 2] }] },
)

export const ForgetPeerBody = strictObject(
  { endpoint_id: EndpointId },
  { examples: [{ endpoint_id: '5f0c6a2e9d4b1837c2a0e5f6b7d8c9a0112233445566778899aabbccddeeff00' }] },
)

export const AddPeerBody = strictObject(
  {
    node_id: NodeId,
    endpoint_id: EndpointId,
    addresses: Addresses,
    relay: Type.Optional({ type: ['string', 'null'], maxLength: MAX_RELAY_URL_SIZE, description: 'A relay URL.' }),
  },
  {
    examples: [
      {
        node_id: 2,
        endpoint_id: '5f0c6a2e9d4b1837c2a0e5f6b7d8c9a0112233445566778899aabbccddeeff00',
        addresses: ['127.0.0.1:26002'],
        relay: null,
      },
    ],
  },
)

export const TriggerSnapshotBody = {
  ...strictObject({ timeout_ms: TimeoutMs }),
  type: ['object', 'null'],
  description: 'May be left out.',
  examples: [{}],
}

export const RaiseVersionBody = strictObject(
  {
    version: Type.Integer({ minimum: 1, maximum: 255, description: 'What the cluster is raised to; never down.' }),
    timeout_ms: TimeoutMs,
  },
  { examples: [{ version: 2 }] },
)

export const VersionAnswer = Type.Object(
  { success: Type.True(), version: Type.Integer({ minimum: 1, description: 'The cluster has this version, or a later one.' }) },
  { additionalProperties: false, examples: [{ success: true, version: 2 }] },
)

export const SuccessAnswer = Type.Object({ success: Type.True() }, { additionalProperties: false })

const closed = { additionalProperties: false }

export const clusterState = {
  members: Type.Array(NodeId, { description: 'The voters, in order.' }),
  learners: Type.Array(NodeId),
  index: {
    type: ['integer', 'null'],
    minimum: 0,
    description: 'Where the configuration stands in the log; null when a leader of an earlier version answered.',
  },
  nodes: Type.Array(Type.Object({ id: NodeId, endpoint_id: Type.String(), addresses: Type.Array(Type.String()) }, closed)),
}

export const ClusterAnswer = Type.Object(clusterState, {
  ...closed,
  examples: [
    { members: [1], learners: [2], index: 7, nodes: [{ id: 1, endpoint_id: '5f0c6a2e', addresses: ['127.0.0.1:26001'] }] },
  ],
})

export const RestartBody = strictObject(
  { actor: Type.String({ description: 'raft, rpc, gossip or health.' }), timeout_ms: TimeoutMs },
  { examples: [{ actor: 'raft' }] },
)

export const RestartAnswer = Type.Object(
  { success: Type.True(), actor: Type.String() },
  { ...closed, examples: [{ success: true, actor: 'raft' }] },
)

export const SnapshotAnswer = Type.Object(
  {
    success: Type.True(),
    snapshot: Type.Object({ id: Type.String(), log_id: LogId, size_bytes: Count }, closed),
  },
  {
    ...closed,
    examples: [{ success: true, snapshot: { id: 'snapshot-1-12', log_id: { term: 1, index: 12 }, size_bytes: 4096 } }],
  },
)

export const LeaderAnswer = Type.Object({ leader: OptionalNodeId }, { ...closed, examples: [{ leader: 1 }, { leader: null }] })

const Mailbox = Type.Object({ depth: Count, capacity: Count, refused: Count }, closed)

const Failure = Type.Object(
  {
    reason: Type.String(),
    ago_ms: Type.Number(),
    uptime_ms: Type.Number({ description: 'Of the life that ended so.' }),
    pause_ms: { type: ['number', 'null'], description: 'Until it was started again, or is to be; null when it is not.' },
  },
  closed,
)

const Actor = Type.Object(
  {
    path: Type.String({ description: 'The names of its supervisors, and its own.' }),
    state: { type: 'string', enum: ['starting', 'running', 'ending', 'down', 'gone'] },
    uptime_ms: { type: ['number', 'null'], description: 'Of its present life; null without one.' },
    restarts: Count,
    failures: Count,
    last_failure: { anyOf: [Failure, { type: 'null' }] },
    circuit: {
      type: 'string',
      enum: ['closed', 'open', 'half-open'],
      description: 'open: it failed too often, and is left alone for a while; half-open: it is tried once.',
    },
  },
  closed,
)

export const HealthAnswer = Type.Object(
  {
    status: {
      type: 'string',
      enum: ['healthy', 'degraded', 'unhealthy'],
      description: 'degraded: a check fails, and the node still makes progress; unhealthy: it does not.',
    },
    node_id: NodeId,
    leader: OptionalNodeId,
    ready: Type.Boolean({ description: 'What GET /ready says: whether reads and writes are likely to succeed here.' }),
    checks: Type.Object(
      {},
      {
        description: 'By name.',
        additionalProperties: Type.Object({ ok: Type.Boolean(), detail: Type.String() }, closed),
      },
    ),
    supervision: Type.Object(
      { turns: Count, mailbox: Mailbox, poisoned: OptionalText, uptime_ms: Type.Number(), actors: Type.Array(Actor) },
      closed,
    ),
  },
  {
    ...closed,
    examples: [
      {
        status: 'healthy',
        node_id: 1,
        leader: 1,
        ready: true,
        checks: { raft_actor: { ok: true, detail: 'answered 3 ms ago' } },
        supervision: {
          turns: 812,
          mailbox: { depth: 0, capacity: 1000, refused: 0 },
          poisoned: null,
          uptime_ms: 60000,
          actors: [
            {
              path: 'NodeServer/RaftSupervisor/RaftActor',
              state: 'running',
              uptime_ms: 60000,
              restarts: 0,
              failures: 0,
              last_failure: null,
              circuit: 'closed',
            },
          ],
        },
      },
    ],
  },
)

export const ReadyAnswer = Type.Object(
  {
    ready: Type.Boolean(),
    reason: { type: ['string', 'null'], description: 'Why it is not; null when it is.' },
    node_id: NodeId,
    leader: OptionalNodeId,
  },
  { ...closed, examples: [{ ready: true, reason: null, node_id: 1, leader: 1 }] },
)

const Peer = Type.Object(
  {
    endpoint_id: Type.String(),
    node_id: OptionalNodeId,
    connected: Type.Boolean(),
    last_error: OptionalText,
    path: { ...OptionalText, description: 'direct, iroh-direct or iroh-relay: what carries the link; null without one.' },
    sources: Type.Array(Type.Object({ source: Type.String(), age_ms: Type.Number() }, closed), {
      description: 'Who spoke of it, whoever counts most first; GET /peers says what.',
    }),
    match_index: { type: ['integer', 'null'], description: 'Known to leaders only.' },
    last_contact_ms: { type: ['number', 'null'], description: 'Known to leaders only.' },
  },
  closed,
)

const identity = {
  node_id: NodeId,
  endpoint_id: Type.String(),
  version: Type.String(),
  addresses: Type.Array(Type.String()),
  cluster_id: OptionalText,
}

export const NodeInfoAnswer = Type.Object(
  { ...identity, initialized: Type.Boolean(), uptime_ms: Type.Number(), peers: Type.Array(Peer) },
  closed,
)

const Versions = Type.Object(
  {
    cluster: Type.Integer({ minimum: 1, description: 'In force: commands of a later version are refused.' }),
    own: Type.Integer({ minimum: 1, description: 'The highest that this node can apply.' }),
    held_back_by: Type.Array(NodeId, { description: 'Members that cannot apply that, or have no link to this node.' }),
  },
  closed,
)

const Disk = Type.Object(
  {
    directory: Type.String(),
    free_bytes: Count,
    total_bytes: Count,
    used_percent: Type.Number(),
    is_low: Type.Boolean({ description: 'Nearly full: while this node leads, writes that could grow the store are refused.' }),
    refused_writes: Count,
  },
  closed,
)

export const memberHealth = {
  node_id: NodeId,
  endpoint_id: Type.String(),
  condition: {
    type: 'string',
    enum: ['well', 'crashed', 'actor-down', 'stalled', 'cut-off', 'unreachable', 'refused', 'unlinked'],
    description:
      'crashed: its process has ended; actor-down: it lives without its RaftActor; stalled: it stands still; cut-off: it is alive, and the network to it is cut; unreachable: off, or cut off; refused: there is no link because one of the two refuses it.',
  },
  detail: Type.String({ description: 'What was seen.' }),
  for_ms: Type.Number({ description: 'For how long it has not been well.' }),
  needs_attention: Type.Boolean({ description: 'It is not well since 60 s.' }),
}

const MemberHealth = Type.Object(memberHealth, closed)

export const RaftMetricsAnswer = Type.Object(
  {
    ...identity,
    initialized: Type.Boolean(),
    role: { type: 'string', enum: ['follower', 'pre-candidate', 'candidate', 'leader', 'learner'] },
    term: Count,
    leader: OptionalNodeId,
    voted_for: OptionalNodeId,
    last_log_index: Count,
    last_log_term: Count,
    persisted_index: Count,
    commit_index: Count,
    known_commit_index: Type.Integer({
      minimum: 0,
      description: 'The highest index that this node knows to be committed anywhere; above commit_index while it catches up.',
    }),
    applied_index: Count,
    purged_index: Count,
    snapshot_index: Count,
    log_bytes: Count,
    versions: Versions,
    revision: Count,
    keys: Count,
    state_bytes: Count,
    proposals_in_flight: Count,
    reads_in_flight: Count,
    mailbox: Mailbox,
    turns: Count,
    elections_started: Count,
    leader_changes: Count,
    snapshots_sent: Count,
    snapshots_installed: Count,
    cluster: Type.Object(clusterState, closed),
    peers: Type.Array(Peer),
    member_health: Type.Array(MemberHealth, { description: 'The other members, as they seem to this node.' }),
    known_peers: Type.Array(Type.Object({ source: Type.String(), connected: Type.Boolean(), peers: Count }, closed), {
      description: 'Those in the peer book, by who spoke of them.',
    }),
    disk: { anyOf: [Disk, { type: 'null' }], description: 'The fullest volume; null for a node in memory.' },
    poisoned: OptionalText,
    checks: Type.Array(Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.String() }, closed)),
    actors: Type.Array(Actor),
    uptime_ms: Type.Number(),
  },
  closed,
)

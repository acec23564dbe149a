import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PeerBook } from '../peers/index.ts'
import type { PeerReport, Transport } from '../ports/index.ts'
import type { ActorSnapshot } from '../actor/index.ts'
import type { Membership } from '../raft/index.ts'
import type { ReplicaView } from '../replica/index.ts'
import type { RaftFacts } from './incarnation.ts'
import { clusterState, nodeStatus } from './node-status.ts'
import type { StatusParts } from './node-status.ts'

const RAFT_ACTOR: ActorSnapshot = {
  path: '/RaftSupervisor/RaftActor',
  phase: 'running',
  uptimeMs: 400.4,
  depth: 1,
  refused: 3,
  handled: 5,
  waitMs: null,
  restarts: 0,
  failures: 0,
  circuit: 'closed',
  history: [],
  children: [],
}
const SUPERVISOR: ActorSnapshot = { ...RAFT_ACTOR, path: '/RaftSupervisor', depth: 0, refused: 0 }
const member = (id: number): Membership['members'][number] => ({ id, endpointId: `key-${id}`, addresses: [`127.0.0.1:${id}`] })
const MEMBERSHIP: Membership = { voters: [1, 2], outgoing: [], learners: [3], members: [member(1), member(2), member(3)] }
const VERSIONS: RaftFacts['versions'] = { cluster: 1, own: 2, heldBackBy: [3] }
const NOBODY: Membership = { voters: [], outgoing: [], learners: [], members: [] }

const VIEW: ReplicaView = {
  clusterId: 'c1',
  role: 'leader',
  term: 4,
  votedFor: 1,
  leader: 1,
  membership: MEMBERSHIP,
  membershipIndex: 3,
  lastLog: { term: 4, index: 90 },
  persistedIndex: 89,
  commitIndex: 88,
  knownCommitIndex: 90,
  appliedIndex: 87,
  purgedIndex: 20,
  proposals: 5,
  reads: 6,
  turns: 7,
  snapshotsSent: 8,
  counters: {
    electionsStarted: 9,
    electionsLost: 0,
    leaderChanges: 10,
    truncations: 0,
    longTruncations: 0,
    clamps: 0,
    snapshotsRestored: 11,
    conflictingSnapshots: 0,
    fullWindows: 0,
    reminders: 0,
    jointChanges: 0,
  },
  disk: null,
  commitMovedAt: 0,
  heardVotes: new Map(),
  handsOver: false,
  writingSince: null,
  digests: { index: 64, disputedIndex: null, isDisputed: false },
  poisoned: null,
}

function parts(
  view: Partial<ReplicaView> = {},
  changes: Partial<StatusParts> = {},
  reports: readonly PeerReport[] = [],
  raftActor = RAFT_ACTOR,
): StatusParts {
  const state = {
    applied: VIEW.lastLog,
    membership: null,
    membershipIndex: 0,
    revision: 11,
    keys: 12,
    bytes: 13,
    timeMs: 0,
    clusterVersion: 1,
    systemRows: 1,
    systemBytes: 25,
  }
  const progress = { state: 'replicate', match: 77, lastContactMs: 12, roundMs: null, keepsUp: false } as const
  return {
    nodeId: 1,
    version: '1.2.3',
    startedAt: 1000,
    clock: { now: () => 1500.4, setTimer: () => ({ cancel: () => undefined }), defer: (run) => run() },
    mailboxCapacity: 2,
    actors: () => [{ ...SUPERVISOR, children: [raftActor] }],
    raft: {
      facts: { view: { ...VIEW, ...view }, logBytes: 14, state, snapshotIndex: 15, versions: VERSIONS },
      peer: (id: number) => (id === 2 ? progress : undefined),
    },
    transport: { endpointId: 'key-1', addresses: () => ['127.0.0.1:1'], peers: () => reports } as unknown as Transport,
    peerBook: new PeerBook(),
    removal: { words: () => null },
    lostDisk: { words: () => null },
    failures: { report: [] },
    ...changes,
  }
}

const LINKED: readonly PeerReport[] = [{ endpointId: 'key-2', state: 'connected', claims: null, lastError: null, path: 'direct' }]
const failing = (status: ReturnType<typeof nodeStatus>): string[] => status.checks.filter(({ ok }) => !ok).map(({ name }) => name)

describe('nodeStatus', () => {
  test('nodeStatus: says what the parts say', () => {
    const status = nodeStatus(parts())
    const { cluster, peers, checks, actors, ...rest } = status
    assert.deepEqual(rest, {
      nodeId: 1,
      endpointId: 'key-1',
      version: '1.2.3',
      addresses: ['127.0.0.1:1'],
      clusterId: 'c1',
      initialized: true,
      role: 'leader',
      term: 4,
      leader: 1,
      votedFor: 1,
      lastLogIndex: 90,
      lastLogTerm: 4,
      persistedIndex: 89,
      commitIndex: 88,
      knownCommitIndex: 90,
      appliedIndex: 87,
      purgedIndex: 20,
      snapshotIndex: 15,
      logBytes: 14,
      versions: VERSIONS,
      revision: 11,
      keys: 12,
      stateBytes: 13,
      proposalsInFlight: 5,
      readsInFlight: 6,
      mailbox: { depth: 1, capacity: 2, refused: 3 },
      turns: 7,
      electionsStarted: 9,
      leaderChanges: 10,
      snapshotsSent: 8,
      snapshotsInstalled: 11,
      memberHealth: [],
      knownPeers: [],
      disk: null,
      poisoned: null,
      uptimeMs: 500,
    })
    assert.deepEqual(
      actors.map(({ path, state, uptimeMs }) => [path, state, uptimeMs]),
      [
        ['NodeServer', 'running', 500],
        ['NodeServer/RaftSupervisor', 'running', 400],
        ['NodeServer/RaftSupervisor/RaftActor', 'running', 400],
      ],
    )
    assert.deepEqual(cluster, { members: [1, 2], learners: [3], index: 3, nodes: MEMBERSHIP.members })
    assert.deepEqual(cluster, clusterState({ membership: MEMBERSHIP, index: 3 }, parts()))
    assert.deepEqual([peers, checks.length > 0, failing(status)], [[], true, ['voter_links']])
  })

  test('nodeStatus: a member without a vote is a learner, whatever the core calls it', () => {
    assert.equal(nodeStatus(parts({ role: 'follower' }, { nodeId: 3 })).role, 'learner')
    assert.equal(nodeStatus(parts({ role: 'follower' })).role, 'follower')
    assert.equal(
      nodeStatus(parts({ role: 'follower' }, { nodeId: 2 })).role,
      'learner',
      'the vote of node 2 is that of another key',
    )
    assert.equal(nodeStatus(parts({ role: 'follower', membership: NOBODY })).role, 'follower')
  })

  test('nodeStatus: before it is initialised a node needs no leader', () => {
    const status = nodeStatus(parts({ membership: NOBODY, leader: null, clusterId: null }))
    assert.deepEqual([status.initialized, failing(status)], [false, []])
  })

  test('nodeStatus: a node without a leader, with a faulty actor or poisoned is not sound', () => {
    assert.deepEqual(failing(nodeStatus(parts({ leader: null }, {}, LINKED))), ['leader'])
    const faulty = { ...RAFT_ACTOR, phase: 'down' } as const
    assert.deepEqual(failing(nodeStatus(parts({}, {}, LINKED, faulty))), ['raft_actor'])
    const history = [{ path: faulty.path, at: 1_400, uptimeMs: 9, reason: 'it crashed: boom', pauseMs: 300_000 }]
    const left = nodeStatus(parts({}, {}, LINKED, { ...faulty, failures: 4, circuit: 'open', history }))
    assert.match(left.checks[0]?.detail ?? '', /^it failed too often, and is left alone for a while: it crashed: boom$/)
    assert.deepEqual(left.actors[2], {
      path: 'NodeServer/RaftSupervisor/RaftActor',
      state: 'down',
      uptimeMs: 400,
      restarts: 0,
      failures: 4,
      lastFailure: { reason: 'it crashed: boom', agoMs: 100, uptimeMs: 9, pauseMs: 300_000 },
      circuit: 'open',
    })
    const poisoned = nodeStatus(parts({ poisoned: new Error('EIO') }, {}, LINKED))
    assert.deepEqual([poisoned.poisoned, failing(poisoned)], ['EIO', ['raft_actor', 'state_machine']])
  })

  test('nodeStatus: one that was removed says so; and says which voters it has no link to', () => {
    const removed = nodeStatus(parts({}, { removal: { words: () => 'removed' } }))
    const detail = (name: string): string | undefined => removed.checks.find((check) => check.name === name)?.detail
    assert.deepEqual(failing(removed), ['membership', 'voter_links'])
    assert.deepEqual([detail('membership'), detail('voter_links')], ['removed', 'no link to voters 2'])
  })

  test('clusterState: members are where they say they are, then where the book says, then where they were when they came', () => {
    const claims = { nodeId: 2, clusterId: 'c1', addresses: ['moved:2'], languageVersion: 1 }
    const peerBook = new PeerBook()
    peerBook.add({ endpointId: 'e'.repeat(64), nodeId: 3, addresses: ['heard:3'] }, 'gossip')
    const members = [member(1), member(2), { ...member(3), endpointId: 'e'.repeat(64) }, member(4)]
    const membership = { voters: [1, 2, 3, 4], outgoing: [], learners: [], members }
    const { transport } = parts({}, {}, [{ endpointId: 'key-2', state: 'connected', claims, lastError: null, path: 'direct' }])
    assert.deepEqual(
      clusterState({ membership, index: 4 }, { transport, peerBook }).nodes.map(({ addresses }) => addresses[0]),
      ['127.0.0.1:1', 'moved:2', 'heard:3', '127.0.0.1:4'],
    )
  })

  test('nodeStatus: joins what the links and the core know of a peer', () => {
    const claims = { nodeId: 9, clusterId: 'c1', addresses: [], languageVersion: 1 }
    const status = nodeStatus(
      parts({}, {}, [
        { endpointId: 'key-2', state: 'connected', claims: null, lastError: null, path: 'direct' },
        { endpointId: 'key-9', state: 'dialing', claims, lastError: 'ECONNREFUSED: no', path: null },
        { endpointId: 'key-8', state: 'waiting', claims: null, lastError: null, path: null },
      ]),
    )
    const nobody = {
      nodeId: null,
      connected: false,
      lastError: null,
      path: null,
      sources: [],
      matchIndex: null,
      lastContactMs: null,
    }
    assert.deepEqual(status.peers, [
      { ...nobody, endpointId: 'key-2', nodeId: 2, connected: true, path: 'direct', matchIndex: 77, lastContactMs: 12 },
      { ...nobody, endpointId: 'key-9', nodeId: 9, lastError: 'ECONNREFUSED: no' },
      { ...nobody, endpointId: 'key-8' },
    ])
  })
})

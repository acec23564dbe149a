import type { ActorSnapshot } from '../actor/index.ts'
import { NEWCOMER_ADVICE } from '../api/index.ts'
import type { ClusterState, DiskStatus, HealthCheck, MemberHealth, NodeStatus, PeerStatus, WhyReport } from '../api/index.ts'
import { RAFT_ACTOR } from './actors/index.ts'
import { actorStatuses, findActor } from './actor-status.ts'
import { MAX_MEMBER_ADDRESSES } from '../limits.ts'
import type { PeerBook } from '../peers/index.ts'
import type { Clock, Transport } from '../ports/index.ts'
import { isVoterAs } from '../raft/index.ts'
import type { ReplicaView } from '../replica/index.ts'
import type { Configuration } from '../wire/index.ts'
import { hearingsOf, knownPeers } from './peer-report.ts'
import type { NodeFailureDetection } from './node-failure-detection.ts'
import type { RaftHandle } from './raft-handle.ts'
import type { LostDisk } from './lost-disk.ts'
import type { Removal } from './removal.ts'
import { unlinkedVoters } from './voter-links.ts'
import { explain } from './why.ts'

export interface StatusParts {
  readonly nodeId: number
  readonly version: string
  readonly startedAt: number
  readonly clock: Clock
  readonly raft: Pick<RaftHandle, 'facts' | 'peer'>
  readonly mailboxCapacity: number
  /** Those of the node. */
  readonly actors: () => readonly ActorSnapshot[]
  readonly transport: Transport
  readonly peerBook: Pick<PeerBook, 'get' | 'entries'>
  readonly removal: Pick<Removal, 'words'>
  readonly lostDisk: Pick<LostDisk, 'words'>
  readonly failures: Pick<NodeFailureDetection, 'report'>
}

/** A configuration as users see it: who belongs to it, and where those are now, as far as this node knows. */
export function clusterState(
  { membership, index }: Configuration,
  whereabouts: { readonly transport: Transport; readonly peerBook: Pick<PeerBook, 'get'> },
): ClusterState {
  const { transport, peerBook } = whereabouts
  const said = new Map(transport.peers().map(({ endpointId, claims }) => [endpointId, claims?.addresses ?? []]))
  said.set(transport.endpointId, transport.addresses())
  const nodes = membership.members.map((member) => {
    const known = [said.get(member.endpointId) ?? [], peerBook.get(member.endpointId)?.addresses ?? []]
    const addresses = known.find((some) => some.length > 0) ?? member.addresses
    return { ...member, addresses: addresses.slice(0, MAX_MEMBER_ADDRESSES) }
  })
  return { members: membership.voters, learners: membership.learners, index, nodes }
}

/** Gathers everything one node can say about itself. */
export function nodeStatus(parts: StatusParts): NodeStatus {
  const { raft, transport, clock } = parts
  const { view, state, logBytes, snapshotIndex, versions } = raft.facts
  const now = clock.now()
  const uptimeMs = Math.round(now - parts.startedAt)
  const actors = parts.actors()
  const memberHealth = parts.failures.report
  const actor = findActor(actors, RAFT_ACTOR)
  const isLearner = view.membership.members.length > 0 && !isVoterAs(view.membership, parts.nodeId, transport.endpointId)
  return {
    nodeId: parts.nodeId,
    endpointId: transport.endpointId,
    version: parts.version,
    addresses: transport.addresses(),
    clusterId: view.clusterId,
    initialized: view.membership.members.length > 0,
    role: isLearner ? 'learner' : view.role,
    term: view.term,
    leader: view.leader,
    votedFor: view.votedFor,
    lastLogIndex: view.lastLog.index,
    lastLogTerm: view.lastLog.term,
    persistedIndex: view.persistedIndex,
    commitIndex: view.commitIndex,
    knownCommitIndex: view.knownCommitIndex,
    appliedIndex: view.appliedIndex,
    purgedIndex: view.purgedIndex,
    snapshotIndex,
    logBytes,
    versions,
    revision: state.revision,
    keys: state.keys,
    stateBytes: state.bytes,
    proposalsInFlight: view.proposals,
    readsInFlight: view.reads,
    mailbox: { depth: actor?.depth ?? 0, capacity: parts.mailboxCapacity, refused: actor?.refused ?? 0 },
    turns: view.turns,
    electionsStarted: view.counters.electionsStarted,
    leaderChanges: view.counters.leaderChanges,
    snapshotsSent: view.snapshotsSent,
    snapshotsInstalled: view.counters.snapshotsRestored,
    cluster: clusterState({ membership: view.membership, index: view.membershipIndex }, parts),
    peers: peerStatuses(view, parts),
    memberHealth,
    knownPeers: knownPeers(parts),
    disk: view.disk,
    poisoned: view.poisoned?.message ?? null,
    checks: [...healthChecks(view, actor), ...memberChecks(view, parts), ...attentionChecks(memberHealth)],
    actors: actorStatuses(actors, now, uptimeMs),
    uptimeMs,
  }
}

/** Why this node does not serve, or what a request waits for. */
export function whyReport({ raft, transport, clock, actors, nodeId, removal, lostDisk, failures }: StatusParts): WhyReport {
  const { view, state } = raft.facts
  const actor = findActor(actors(), RAFT_ACTOR)
  return explain({
    nodeId,
    endpointId: transport.endpointId,
    now: clock.now(),
    view,
    state,
    members: failures.report,
    peers: transport.peers(),
    progress: (id) => raft.peer(id),
    actor: actor?.phase === 'running' ? null : raftActorDetail(view, actor),
    removed: removal.words(view),
    lostDisk: lostDisk.words(view.membership),
  })
}

function peerStatuses({ membership }: ReplicaView, { raft, transport, peerBook, clock }: StatusParts): PeerStatus[] {
  const now = clock.now()
  return transport.peers().map(({ endpointId, state, claims, lastError, path }) => {
    const member = membership.members.find((one) => one.endpointId === endpointId)
    const progress = member === undefined ? undefined : raft.peer(member.id)
    return {
      endpointId,
      nodeId: member?.id ?? claims?.nodeId ?? null,
      connected: state === 'connected',
      lastError,
      path,
      sources: hearingsOf(peerBook.get(endpointId), now).map(({ source, ageMs }) => ({ source, ageMs })),
      matchIndex: progress?.match ?? null,
      lastContactMs: progress?.lastContactMs ?? null,
    }
  })
}

function healthChecks(view: ReplicaView, actor: ActorSnapshot | undefined): HealthCheck[] {
  const initialized = view.membership.members.length > 0
  return [
    {
      name: 'raft_actor',
      ok: actor?.phase === 'running' && view.poisoned === null,
      detail: raftActorDetail(view, actor),
    },
    {
      name: 'leader',
      ok: !initialized || view.leader !== null,
      detail: initialized
        ? view.leader === null
          ? `no leader is known in term ${view.term}`
          : `node ${view.leader} leads term ${view.term}`
        : `not initialised. ${NEWCOMER_ADVICE}`,
    },
    {
      name: 'state_machine',
      ok: view.poisoned === null,
      detail: `applied ${view.appliedIndex} of ${view.commitIndex} committed entries`,
    },
    ...(view.digests.index === 0 ? [] : [digestCheck(view.digests, view.membership.members.length < 2)]),
    ...(view.disk === null ? [] : [diskCheck(view.disk)]),
  ]
}

function raftActorDetail({ poisoned, turns }: ReplicaView, actor: ActorSnapshot | undefined): string {
  if (poisoned !== null) return `stopped: ${poisoned.message}`
  if (actor?.phase === 'running') return `${turns} turns`
  const last = actor?.history.at(-1)
  const why = last === undefined ? '' : `: ${last.reason}`
  return actor?.circuit === 'open' ? `it failed too often, and is left alone for a while${why}` : `it is being started${why}`
}

function memberChecks(view: ReplicaView, { nodeId, removal, lostDisk, transport }: StatusParts): HealthCheck[] {
  if (view.membership.members.length === 0) {
    const lost = lostDisk.words(view.membership)
    return [{ name: 'former_life', ok: lost === null, detail: lost ?? 'no cluster knows this node under another key' }]
  }
  const removed = removal.words(view)
  const unlinked = unlinkedVoters(view.membership, transport)
  return [
    { name: 'membership', ok: removed === null, detail: removed ?? 'not removed' },
    {
      name: 'voter_links',
      ok: unlinked.length === 0,
      detail: linksDetail(unlinked, isVoterAs(view.membership, nodeId, transport.endpointId)),
    },
  ]
}

/** There is nobody to look at where there is no other member. */
function attentionChecks(members: readonly MemberHealth[]): HealthCheck[] {
  if (members.length === 0) return []
  const ill = members.filter(({ needsAttention }) => needsAttention)
  const words = ill.map(({ nodeId, detail, forMs }) => `node ${nodeId}, since ${Math.round(forMs / 1_000)} s: ${detail}`)
  return [{ name: 'members', ok: ill.length === 0, detail: ill.length === 0 ? 'none needs attention' : words.join('; ') }]
}

function linksDetail(unlinked: readonly number[], isVoter: boolean): string {
  if (!isVoter) return 'this node is no voter'
  return unlinked.length === 0 ? 'linked with all other voters' : `no link to voters ${unlinked.join(', ')}`
}

function digestCheck({ index, disputedIndex, isDisputed }: ReplicaView['digests'], isAlone: boolean): HealthCheck {
  if (isAlone) return { name: 'state_digest', ok: true, detail: 'there is no other replica to compare the state with' }
  const detail = isDisputed
    ? `replicas have different states after entry ${disputedIndex}, and no majority of the voters has one: compare them and bring back the wrong ones with aspen-node rejoin`
    : `the state was compared with those of other replicas after entry ${index}`
  return { name: 'state_digest', ok: !isDisputed, detail }
}

function diskCheck({ directory, usedPercent, isLow }: DiskStatus): HealthCheck {
  const use = `the volume of ${directory} is ${usedPercent} % full`
  return {
    name: 'disk',
    ok: !isLow,
    detail: isLow
      ? `${use}: free space${usedPercent < 100 ? ' before it is full' : ' there'}; while this node leads, writes that grow the store are refused`
      : use,
  }
}

/** Log replication: the leader's sending and counting, the follower's checking (paper 5.3, 5.4; thesis 10.2.1). */
import { assert } from '../lib/index.ts'
import { MAX_APPEND_BYTES, MAX_BATCH_SIZE } from '../limits.ts'
import { hearLeader } from './election.ts'
import { quorumValue } from './membership.ts'
import { settleMembership } from './membership-change.ts'
import { answerTo } from './messages.ts'
import type { AppendRequest, AppendResponse, HeartbeatRequest, HeartbeatResponse, Message, SnapshotRequest } from './messages.ts'
import type { Progress } from './progress.ts'
import { acknowledgeRound } from './read-index.ts'
import type { RaftState } from './state.ts'
import { continueTransfer } from './transfer.ts'
import type { Entry, NodeId } from './types.ts'

// --- The leader's side ---

/** Sends every peer what it may be sent now. Called once per batch of inputs, so that appends carry many entries. */
export function sendAppends(state: RaftState): void {
  for (const [to, progress] of state.progress) {
    if (progress.state === 'probe' && !progress.probing) sendProbe(state, to, progress)
    else if (progress.state === 'replicate') sendPipelined(state, to, progress)
  }
}

function sendProbe(state: RaftState, to: NodeId, progress: Progress): void {
  if (needsSnapshot(state, to, progress)) return
  progress.probing = true
  progress.probedAt = state.now
  sendAppend(state, to, progress, countThatFits(state, progress.next))
}

function sendPipelined(state: RaftState, to: NodeId, progress: Progress): void {
  while (progress.next <= state.log.lastIndex && !progress.full) {
    if (needsSnapshot(state, to, progress)) return
    const { next } = progress
    const count = countThatFits(state, next)
    sendAppend(state, to, progress, count)
    let bytes = 0
    for (let i = 0; i < count; i++) bytes += state.log.sizeAt(next + i)
    progress.sent(next + count - 1, bytes)
  }
}

/** The entries the peer needs next are purged: only a snapshot helps. */
function needsSnapshot(state: RaftState, to: NodeId, progress: Progress): boolean {
  if (progress.next > state.log.purged.index) return false
  progress.becomeSnapshot()
  state.stage.snapshot(to)
  return true
}

/** How many entries from `first` fit one append; one always does. */
function countThatFits(state: RaftState, first: number): number {
  let bytes = 0
  let count = 0
  while (first + count <= state.log.lastIndex && count < MAX_BATCH_SIZE) {
    bytes += state.log.sizeAt(first + count)
    if (count > 0 && bytes > MAX_APPEND_BYTES) break
    count++
  }
  return count
}

function sendAppend(state: RaftState, to: NodeId, progress: Progress, count: number): void {
  const prevIndex = progress.next - 1
  const prevTerm = state.log.termAt(prevIndex)
  assert(prevTerm !== undefined, `append to node ${to} after entry ${prevIndex}: the log holds ${state.log.purged.index} on`)
  progress.sentRound = state.rounds.round
  state.stage.send({
    type: 'append',
    from: state.id,
    to,
    term: state.term,
    prev: { term: prevTerm, index: prevIndex },
    count,
    entries: [],
    commit: state.commit,
    incarnation: state.incarnation,
    round: state.rounds.round,
  })
}

export function sendHeartbeat(state: RaftState, to: NodeId, progress: Progress): void {
  const commit = Math.min(state.commit, progress.match)
  if (progress.departingAt !== null && commit >= progress.departingAt) progress.farewells++
  progress.sentRound = state.rounds.round
  state.stage.send({
    type: 'heartbeat',
    from: state.id,
    to,
    term: state.term,
    commit,
    incarnation: state.incarnation,
    round: state.rounds.round,
  })
}

export function handleAppendResponse(state: RaftState, response: AppendResponse): void {
  const progress = heardFrom(state, response.from, response)
  if (progress === undefined) return
  if (!response.success) {
    retreat(state, progress, response)
    return
  }
  assert(
    response.match <= state.log.lastIndex,
    `node ${response.from} acknowledges entry ${response.match}; the log ends at ${state.log.lastIndex}`,
  )
  const news = progress.acknowledge(response.match, state.now)
  if (progress.state === 'probe' || (progress.state === 'snapshot' && response.match >= state.log.purged.index)) {
    progress.becomeReplicate()
  }
  if (!news) return
  advanceCommit(state)
  continueTransfer(state)
}

/** The peer has no entry where the append wanted to attach: try where the logs could agree. */
function retreat(state: RaftState, progress: Progress, response: AppendResponse): void {
  if (progress.state === 'snapshot') return
  // An answer to an append that later acknowledgements have overtaken, or to another probe than the present one.
  if (response.rejected <= progress.match) return
  if (progress.state === 'probe' && response.rejected !== progress.next - 1) return
  progress.becomeProbe(nextToTry(state, response))
}

/** Behind the last position at which both logs could agree; at or before the purged position where only a snapshot helps. */
function nextToTry(state: RaftState, { hint, rejected }: AppendResponse): number {
  const { purged } = state.log
  const limit = Math.min(hint.index, rejected - 1)
  if (limit < purged.index) return limit + 1
  const agreed = state.log.lastAtMost(limit, hint.term)
  return agreed.term <= hint.term ? agreed.index + 1 : purged.index
}

export function handleHeartbeatResponse(state: RaftState, response: HeartbeatResponse): void {
  const progress = heardFrom(state, response.from, response)
  if (progress === undefined) return
  if (progress.farewells > 1 && progress.match >= (progress.departingAt ?? 0)) {
    // It has the configuration without it, and has heard that it is committed.
    state.progress.delete(response.from)
    return
  }
  // Answers to read rounds come many times between two heartbeats: they say nothing of a probe on its way.
  const overdue = state.now - progress.probedAt >= state.timings.heartbeatIntervalMs
  if (progress.state === 'probe' && overdue) {
    // The probe or its answer may be lost; a second one does no harm.
    progress.probing = false
    return
  }
  const stalled = overdue && state.now - progress.lastAdvance >= state.timings.heartbeatIntervalMs
  // Nothing was acknowledged for a while although something is out: an empty append finds out what is missing.
  if (progress.state === 'replicate' && stalled && progress.match < progress.next - 1) {
    progress.probedAt = state.now
    if (!needsSnapshot(state, response.from, progress)) sendAppend(state, response.from, progress, 0)
  }
}

function heardFrom(state: RaftState, from: NodeId, echo: { incarnation: number; round: number }): Progress | undefined {
  if (state.role !== 'leader') return undefined
  const progress = state.progress.get(from)
  if (progress === undefined) return undefined
  progress.lastContact = state.now
  acknowledgeRound(state, progress, echo)
  return progress
}

/** Commits what a quorum holds durably. The leader's own log counts like any other; entries of earlier terms are never counted. */
export function advanceCommit(state: RaftState): void {
  if (state.role !== 'leader') return
  const matchOf = (id: NodeId): number => (id === state.id ? state.persisted : (state.progress.get(id)?.match ?? 0))
  const index = quorumValue(state.membership, matchOf)
  if (index <= state.commit || state.log.termAt(index) !== state.term) return
  state.commitTo(index)
  settleMembership(state)
}

/** The path to a peer ended: what was in flight on it is lost. */
export function linkClosed(state: RaftState, peer: NodeId): void {
  const progress = state.progress.get(peer)
  if (progress === undefined) return
  if (progress.state !== 'snapshot') progress.becomeProbe(progress.match + 1)
}

export function linkOpened(state: RaftState, peer: NodeId): void {
  const progress = state.progress.get(peer)
  if (progress === undefined) return
  progress.probing = false
  sendHeartbeat(state, peer, progress)
}

export function snapshotEnded(state: RaftState, peer: NodeId): void {
  const progress = state.progress.get(peer)
  if (progress?.state !== 'snapshot') return
  progress.becomeProbe(progress.match + 1)
  // A later answer to a heartbeat starts over; not before, or a peer that cannot receive would be flooded.
  progress.probing = true
  progress.probedAt = state.now
}

// --- The follower's side ---

export function handleAppend(state: RaftState, request: AppendRequest): void {
  assert(state.role !== 'leader', `node ${request.from} also leads term ${state.term}`)
  hearLeader(state, request.from)
  state.toldCommit = Math.max(state.toldCommit, request.commit)
  const { prev } = request
  if (prev.index < state.commit) {
    // What is committed agrees with every leader's log.
    state.verified = Math.max(state.verified, state.commit)
    acceptAppend(state, request, state.commit, state.commit)
    return
  }
  if (!state.log.matches(prev)) {
    refuseAppend(state, request)
    return
  }
  store(state, request.entries)
  const match = prev.index + request.entries.length
  state.verified = Math.max(state.verified, match)
  acceptAppend(state, request, match, Math.min(request.commit, state.verified))
}

/** Adds what is new; removes what contradicts it, and nothing else (paper 5.3: a delayed append must not cut the log). */
function store(state: RaftState, entries: readonly Entry[]): void {
  for (const entry of entries) {
    const present = state.log.termAt(entry.index)
    if (present === entry.term) continue
    if (present !== undefined) state.truncateFrom(entry.index)
    assert(entry.index === state.log.lastIndex + 1, `entry ${entry.index} does not follow the log's end ${state.log.lastIndex}`)
    state.log.append(entry.term, entry.payload.length)
    state.stage.append(entry)
    if (entry.membership !== undefined) state.memberships.push(entry.index, entry.membership)
  }
}

function acceptAppend(state: RaftState, request: AppendRequest, match: number, commit: number): void {
  state.commitTo(commit)
  respond(state, request, { success: true, match, rejected: 0, hint: { term: 0, index: 0 } })
}

function refuseAppend(state: RaftState, request: AppendRequest): void {
  const hint = state.log.lastAtMost(Math.min(request.prev.index, state.log.lastIndex), request.prev.term)
  respond(state, request, { success: false, match: 0, rejected: request.prev.index, hint })
}

type Verdict = Pick<AppendResponse, 'success' | 'match' | 'rejected' | 'hint'>

function respond(state: RaftState, request: AppendRequest, verdict: Verdict): void {
  state.stage.sendOncePersisted({
    type: 'append-response',
    ...answerTo(request),
    term: state.term,
    ...verdict,
    incarnation: request.incarnation,
    round: request.round,
  })
}

export function handleHeartbeat(state: RaftState, request: HeartbeatRequest): void {
  assert(state.role !== 'leader', `node ${request.from} also leads term ${state.term}`)
  hearLeader(state, request.from)
  // The leader names what was acknowledged to it from here: what is missing now has been forgotten, and may have been relied on.
  assert(
    request.commit <= state.log.lastIndex,
    `node ${state.id} acknowledged entry ${request.commit} to the leader, node ${request.from}, and its log ends at ${state.log.lastIndex}: ` +
      'an old copy of its disk was put back, or the disk has lost it. Bring the node back with aspen-node rejoin',
  )
  state.commitTo(Math.min(request.commit, state.verified))
  const response: HeartbeatResponse = {
    type: 'heartbeat-response',
    ...answerTo(request),
    term: state.term,
    incarnation: request.incarnation,
    round: request.round,
  }
  // It promises nothing but the term, so it need not wait behind entries that are on their way to the disk.
  if (state.durableTerm === state.term) state.stage.send(response)
  else state.stage.sendOncePersisted(response)
}

/** A snapshot has arrived whole. It replaces the log unless the log already agrees with it or has more committed. */
export function handleSnapshot(state: RaftState, request: SnapshotRequest): void {
  assert(state.role !== 'leader', `node ${request.from} also leads term ${state.term}`)
  hearLeader(state, request.from)
  const { snapshot } = request
  const { last } = snapshot
  if (last.index > state.commit) {
    if (state.log.matches(last)) state.commitTo(last.index)
    else restore(state, request)
  }
  state.verified = Math.max(state.verified, last.index)
  state.stage.sendOncePersisted({
    type: 'append-response',
    ...answerTo(request),
    term: state.term,
    success: true,
    match: Math.max(last.index, state.commit),
    rejected: 0,
    hint: { term: 0, index: 0 },
    incarnation: 0,
    round: 0,
  })
}

function restore(state: RaftState, request: SnapshotRequest): void {
  const { last, membership, membershipIndex } = request.snapshot
  state.counters.snapshotsRestored++
  if (state.log.lastIndex > state.commit) state.counters.conflictingSnapshots++
  state.log.reset(last)
  state.memberships.reset({ index: membershipIndex, membership })
  state.stage.restore(request.snapshot)
  state.persisted = last.index
  state.commit = last.index
  state.handedOut = last.index
}

/** Answers a leader of an earlier term, so that it learns of the later one and steps down. */
export function refuseStaleLeader(state: RaftState, stale: Message): void {
  state.stage.sendOncePersisted({
    type: 'append-response',
    ...answerTo(stale),
    term: state.term,
    success: false,
    match: 0,
    rejected: 0,
    hint: { term: 0, index: 0 },
    incarnation: 0,
    round: 0,
  })
}

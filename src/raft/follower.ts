/** The follower's side of log replication: checking, storing and acknowledging what a leader sends (paper 5.3). */
import { fail } from '../lib/index.ts'
import { hearLeader } from './election.ts'
import { ForgottenPromise } from './forgotten-promise.ts'
import { answerTo } from './messages.ts'
import type { AppendRequest, AppendResponse, HeartbeatRequest, HeartbeatResponse, Message, SnapshotRequest } from './messages.ts'
import type { RaftState } from './state.ts'
import type { Entry } from './types.ts'

export function handleAppend(state: RaftState, request: AppendRequest): void {
  if (state.role === 'leader') fail(`node ${request.from} also leads term ${state.term}`)
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
    if (entry.index !== state.log.lastIndex + 1) fail(`entry ${entry.index} does not follow the log's end ${state.log.lastIndex}`)
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
    // What stands behind a spread is defined by calls of the runtime, one for each: this is made for every append.
    term: state.term,
    incarnation: request.incarnation,
    round: request.round,
    ...answerTo(request),
    ...verdict,
  })
}

export function handleHeartbeat(state: RaftState, request: HeartbeatRequest): void {
  if (state.role === 'leader') fail(`node ${request.from} also leads term ${state.term}`)
  hearLeader(state, request.from)
  // The leader names what was acknowledged to it from here: what is missing now has been forgotten, and may have been relied on.
  if (!(request.commit <= state.log.lastIndex))
    throw new ForgottenPromise(
      `node ${state.id} acknowledged entry ${request.commit} to the leader, node ${request.from}, and its log ends at ${state.log.lastIndex}: ` +
        'an old copy of its disk was put back, or the disk has lost it',
    )
  state.commitTo(Math.min(request.commit, state.verified))
  const response: HeartbeatResponse = {
    type: 'heartbeat-response',
    term: state.term,
    incarnation: request.incarnation,
    round: request.round,
    ...answerTo(request),
  }
  // It promises nothing but the term, so it need not wait behind entries that are on their way to the disk.
  if (state.durableTerm === state.term) state.stage.send(response)
  else state.stage.sendOncePersisted(response)
}

/** A snapshot has arrived whole. It replaces the log unless the log already agrees with it or has more committed. */
export function handleSnapshot(state: RaftState, request: SnapshotRequest): void {
  if (state.role === 'leader') fail(`node ${request.from} also leads term ${state.term}`)
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
  if (state.log.lastIndex >= last.index) state.lowestCut = Math.min(state.lowestCut, last.index)
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

/** The leader's side of log replication: sending, pipelined, and counting what a quorum holds (paper 5.3, 5.4; thesis 10.2.1). */
import { fail } from '../lib/index.ts'
import { MAX_BATCH_SIZE } from '../limits.ts'
import { quorumValue } from './membership.ts'
import { settleMembership } from './membership-change.ts'
import type { AppendResponse, HeartbeatResponse } from './messages.ts'
import type { Progress } from './progress.ts'
import { acknowledgeRound } from './read-index.ts'
import { noteHeld } from './reminder.ts'
import type { RaftState } from './state.ts'
import { continueTransfer } from './transfer.ts'
import type { NodeId } from './types.ts'

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
  if (progress.next <= state.log.lastIndex) state.counters.fullWindows++
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
    if (count > 0 && bytes > state.sendLimits.appendBytes) break
    count++
  }
  return count
}

function sendAppend(state: RaftState, to: NodeId, progress: Progress, count: number): void {
  const prevIndex = progress.next - 1
  const prevTerm = state.log.termAt(prevIndex)
  if (prevTerm === undefined) fail(`append to node ${to} after entry ${prevIndex}: the log holds ${state.log.purged.index} on`)
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
  if (!(response.match <= state.log.lastIndex))
    fail(`node ${response.from} acknowledges entry ${response.match}; the log ends at ${state.log.lastIndex}`)
  const news = progress.acknowledge(response.match, state.now)
  progress.countRounds(state.log.lastIndex, state.now)
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
  noteHeld(state, peer, progress)
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

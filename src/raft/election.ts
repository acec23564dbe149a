/** Elections: pre-vote (thesis 9.6), votes (paper 5.2), the lost-link hint, and what a new role begins with. */
import { fail, randomBetween } from '../lib/index.ts'
import { allVoters, isVoter, voteOutcome } from './membership.ts'
import { answerTo } from './messages.ts'
import type { Message, TimeoutNow, VoteRequest, VoteResponse } from './messages.ts'
import { Progress } from './progress.ts'
import { noteHeld } from './reminder.ts'
import type { RaftState } from './state.ts'
import type { NodeId } from './types.ts'

/** With the lost-link hint the voters try one after the other, this far apart, and then again within these bounds. */
const HINT_RANK_DELAY_MS = 20
const HINT_RETRY_MIN_MS = 50
const HINT_RETRY_MAX_MS = 150

/** Ends whatever the node was, and follows `leader` (null: nobody yet) in `term`. */
export function becomeFollower(state: RaftState, term: number, leader: NodeId | null): void {
  const changed = term !== state.term || leader !== state.leader || state.role !== 'follower'
  if (term > state.term) state.setTerm(term, null)
  if (!changed) return
  const wasLeader = state.role === 'leader'
  state.setRole('follower', leader)
  state.votes.clear()
  state.transfer = null
  state.transferCampaign = false
  if (wasLeader) forgetProgress(state)
  rejoinReads(state)
  state.resetElectionTimer()
}

function forgetProgress(state: RaftState): void {
  for (const [id, progress] of state.progress) noteHeld(state, id, progress)
  state.progress.clear()
}

/** Open questions cannot be answered any more; local reads go to the next leader, remote askers are told at once. */
function rejoinReads(state: RaftState): void {
  for (const read of state.rounds.rejoinAll()) {
    state.stage.sendOncePersisted({
      type: 'read-index-response',
      ...answerTo(read),
      term: state.term,
      incarnation: read.incarnation,
      context: read.context,
      index: 0,
    })
  }
}

/** A leader spoke in the present term. */
export function hearLeader(state: RaftState, leader: NodeId): void {
  becomeFollower(state, state.term, leader)
  if (state.heardVotes.size > 0) state.heardVotes.clear()
  state.lastLeaderContact = state.now
  state.hintedUntil = Number.NEGATIVE_INFINITY
  state.resetElectionTimer()
}

/** True while a leader is believed alive: votes that nobody asked for are then ignored. */
function believesInLeader(state: RaftState): boolean {
  if (state.role === 'leader') return true
  if (state.hinted || state.leader === null) return false
  return state.now - state.lastLeaderContact < state.timings.electionTimeoutMinMs
}

/** True when a request to vote must be ignored so that it cannot disturb a working leader. */
export function ignoresVote(state: RaftState, request: VoteRequest): boolean {
  return !request.transfer && believesInLeader(state)
}

/** The election timer fired. */
export function electionTimeout(state: RaftState): void {
  if (state.role === 'candidate' || state.role === 'pre-candidate') state.counters.electionsLost++
  if (state.promotable) preCampaign(state)
  else giveUpLeader(state)
}

/** Who may not campaign waits for whoever leads next, and does not send its clients to one that is silent. */
function giveUpLeader(state: RaftState): void {
  becomeFollower(state, state.term, null)
  state.resetElectionTimer()
}

/** Asks whether an election could be won, without disturbing anyone. */
function preCampaign(state: RaftState): void {
  rejoinReads(state)
  state.setRole('pre-candidate', null)
  state.transferCampaign = false
  state.votes.clear()
  if (state.isVoter) state.votes.set(state.id, true)
  setCampaignTimer(state)
  if (voteOutcome(state.membership, state.votes) === 'won') {
    campaign(state, false)
    return
  }
  for (const to of allVoters(state.membership)) {
    if (to !== state.id) state.stage.send(voteRequest(state, to, true))
  }
}

/** Stands for election. The request to vote, and the own vote, count only once the new term is durable. */
export function campaign(state: RaftState, transfer: boolean): void {
  rejoinReads(state)
  state.counters.electionsStarted++
  state.setTerm(state.term + 1, state.id)
  state.setRole('candidate', null)
  state.votes.clear()
  state.transferCampaign = transfer
  setCampaignTimer(state)
  for (const to of allVoters(state.membership)) {
    if (to !== state.id) state.stage.sendOncePersisted(voteRequest(state, to, false))
  }
}

function setCampaignTimer(state: RaftState): void {
  if (state.hinted) state.electionDeadline = state.now + randomBetween(state.random, HINT_RETRY_MIN_MS, HINT_RETRY_MAX_MS)
  else state.resetElectionTimer()
}

function voteRequest(state: RaftState, to: NodeId, preVote: boolean): VoteRequest {
  const term = preVote ? state.term + 1 : state.term
  return { type: 'vote', from: state.id, to, term, preVote, lastLog: state.log.last, transfer: state.transferCampaign }
}

/** The candidate's term and vote reached the disk: its own vote counts from now on. */
export function ownVoteDurable(state: RaftState): void {
  if (state.role !== 'candidate' || state.durableTerm !== state.term || state.votes.has(state.id)) return
  if (state.isVoter) recordVote(state, state.id, true)
}

function recordVote(state: RaftState, from: NodeId, granted: boolean): void {
  if (!state.votes.has(from)) state.votes.set(from, granted)
  const outcome = voteOutcome(state.membership, state.votes)
  if (outcome === 'pending') return
  if (outcome === 'won') {
    if (state.role === 'pre-candidate') campaign(state, false)
    else becomeLeader(state)
    return
  }
  state.counters.electionsLost++
  const retryAt = state.electionDeadline
  becomeFollower(state, state.term, null)
  // A refused hinted campaign tries again soon; becoming a follower has drawn a whole timeout.
  if (state.hinted) state.electionDeadline = retryAt
}

/** Answers a request to vote or pre-vote of the present term (or, for a pre-vote, of any later one). */
export function handleVoteRequest(state: RaftState, request: VoteRequest): void {
  const free = request.preVote
    ? request.term > state.term
    : request.term === state.term && (state.votedFor === request.from || (state.votedFor === null && state.leader === null))
  const { lastLog } = request
  const upToDate =
    lastLog.term > state.log.lastTerm || (lastLog.term === state.log.lastTerm && lastLog.index >= state.log.lastIndex)
  const granted = free && upToDate
  if (granted && !request.preVote) {
    state.setTerm(state.term, request.from)
    state.resetElectionTimer()
  }
  const term = granted && request.preVote ? request.term : state.term
  state.stage.sendOncePersisted({
    type: 'vote-response',
    ...answerTo(request),
    term,
    preVote: request.preVote,
    granted,
  })
}

/** Whatever it is worth for the election at hand. */
function noteVote(state: RaftState, { from, granted, preVote }: VoteResponse): void {
  const asked = state.role === 'candidate' || state.role === 'pre-candidate'
  if (!asked || !isVoter(state.membership, from)) return
  const term = state.role === 'candidate' ? state.term : state.term + 1
  state.heardVotes.set(from, { granted, preVote, term, at: state.now })
}

export function handleVoteResponse(state: RaftState, response: VoteResponse): void {
  noteVote(state, response)
  if (response.preVote) {
    const term = response.granted ? state.term + 1 : state.term
    if (state.role === 'pre-candidate' && response.term === term) recordVote(state, response.from, response.granted)
    return
  }
  if (state.role === 'candidate' && response.term === state.term) recordVote(state, response.from, response.granted)
}

/** The leader handed over: no pre-vote, for nobody needs to be asked whether the leader is gone (thesis 3.10). */
export function handleTimeoutNow(state: RaftState, request: TimeoutNow): void {
  if (state.role !== 'follower' || state.leader !== request.from || !state.promotable) return
  campaign(state, true)
}

function becomeLeader(state: RaftState): void {
  if (state.durableTerm !== state.term) fail(`term ${state.term} is led before it is durable`)
  state.setRole('leader', state.id)
  state.votes.clear()
  state.heardVotes.clear()
  state.commitMovedAt = state.now
  state.transferCampaign = false
  state.hintedUntil = Number.NEGATIVE_INFINITY
  state.progress.clear()
  for (const member of state.membership.members) {
    if (member.id !== state.id) state.progress.set(member.id, new Progress(state.log.lastIndex + 1, state.now, state.sendLimits))
  }
  state.heartbeatDeadline = state.now
  state.quorumDeadline = state.now + state.timings.electionTimeoutMinMs
  // Entries of earlier terms are committed only together with one of this term (paper 5.4.2).
  state.appendEntry('noop', new Uint8Array(0))
}

/** The last link to `peer` broke and its port refuses: if it led, it has crashed, and waiting out a timeout helps nobody. */
export function peerCrashed(state: RaftState, peer: NodeId): void {
  if (state.role !== 'follower' || state.leader !== peer || !state.promotable) return
  const candidates = allVoters(state.membership).filter((id) => id !== peer)
  candidates.sort((a, b) => a - b)
  becomeFollower(state, state.term, null)
  state.hintedUntil = state.now + state.timings.electionTimeoutMaxMs
  state.electionDeadline = state.now + Math.max(0, candidates.indexOf(state.id)) * HINT_RANK_DELAY_MS
}

/** Messages that carry a later term end the present one, except those that only ask. */
export function observeTerm(state: RaftState, message: Message): void {
  if (message.term <= state.term) return
  if (message.type === 'vote' && message.preVote) return
  if (message.type === 'vote-response' && message.preVote && message.granted) return
  const leads = message.type === 'append' || message.type === 'heartbeat' || message.type === 'snapshot'
  becomeFollower(state, message.term, leads ? message.from : null)
}

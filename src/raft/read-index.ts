/** Linearizable reads without a log entry: ReadIndex (thesis 6.4), for leaders and for followers. What a ticket, a context and a round are: read-rounds.ts. */
import { quorumValue } from './membership.ts'
import { answerTo } from './messages.ts'
import type { ReadIndexRequest, ReadIndexResponse } from './messages.ts'
import type { Progress } from './progress.ts'
import type { RaftState } from './state.ts'
import type { NodeId } from './types.ts'

/** Opens a round, or asks the leader, for all reads that have joined. Called once per batch of inputs: all its reads share one round. */
export function openReads(state: RaftState): void {
  if (state.role === 'leader') openRound(state)
  else if (state.leader !== null) askLeader(state, state.leader)
}

function openRound(state: RaftState): void {
  // Before its first commit a leader does not know what its predecessors committed.
  if (!state.rounds.hasJoined || !state.committedInTerm || !state.rounds.mayOpen) return
  state.rounds.openRound(state.commit)
  // A single voter is its own quorum.
  confirmRounds(state)
}

function askLeader(state: RaftState, leader: NodeId): void {
  const context = state.rounds.ask(state.now)
  if (context === null) return
  state.stage.send({
    type: 'read-index',
    from: state.id,
    to: leader,
    term: state.term,
    incarnation: state.incarnation,
    context,
  })
}

/** An echo counts for the round it names and all before it, when this life of this leader opened it. */
export function acknowledgeRound(state: RaftState, progress: Progress, echo: { incarnation: number; round: number }): void {
  if (echo.incarnation !== state.incarnation || echo.round <= progress.ackedRound) return
  // A round that was never opened was never asked about: the peer makes it up.
  if (echo.round > state.rounds.round) return
  progress.ackedRound = echo.round
  if (state.rounds.hasOpen) confirmRounds(state)
}

function confirmRounds(state: RaftState): void {
  const roundOf = (id: NodeId): number => (id === state.id ? Number.POSITIVE_INFINITY : (state.progress.get(id)?.ackedRound ?? 0))
  for (const round of state.rounds.confirm(quorumValue(state.membership, roundOf))) {
    for (const ticket of round.tickets) state.stage.readReady(ticket, round.index)
    for (const read of round.remote) {
      state.stage.send({
        type: 'read-index-response',
        ...answerTo(read),
        term: state.term,
        incarnation: read.incarnation,
        context: read.context,
        index: round.index,
      })
    }
  }
}

export function handleReadIndex(state: RaftState, request: ReadIndexRequest): void {
  const { incarnation, context } = request
  if (state.role === 'leader') {
    state.rounds.joinRemote(request)
    return
  }
  state.stage.sendOncePersisted({
    type: 'read-index-response',
    ...answerTo(request),
    term: state.term,
    incarnation,
    context,
    index: 0,
  })
}

export function handleReadIndexResponse(state: RaftState, response: ReadIndexResponse): void {
  if (response.incarnation !== state.incarnation || response.index === 0) return
  for (const ticket of state.rounds.answered(response.context)) state.stage.readReady(ticket, response.index)
  // The index is committed; what of it is known to be in this log may be applied without waiting for a heartbeat.
  state.commitTo(Math.min(response.index, state.verified))
}

/** Questions that went unanswered for a heartbeat interval are asked again. */
export function retryLostReads(state: RaftState): void {
  if (state.role !== 'leader') state.rounds.rejoinLost(state.now, state.timings.heartbeatIntervalMs)
}

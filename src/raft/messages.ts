import type { Entry, LogId, NodeId, SnapshotMeta } from './types.ts'

interface Addressed {
  readonly from: NodeId
  readonly to: NodeId
  /** The sender's term; in a pre-vote request the term it would campaign in, in its grant the same. */
  readonly term: number
  /** The link on which a request came, and on which its answer goes; not on the wire. Absent: wherever `to` is. */
  readonly via?: string
}

/** From whom and to whom the answer to a request goes. An id may have had several keys: the asker is the one that asked. */
export function answerTo({ from, to, via }: Addressed): Pick<Addressed, 'from' | 'to' | 'via'> {
  return { from: to, to: from, ...(via === undefined ? {} : { via }) }
}

/** RequestVote (paper 5.2), and its trial run, PreVote (thesis 9.6). */
export interface VoteRequest extends Addressed {
  readonly type: 'vote'
  readonly preVote: boolean
  readonly lastLog: LogId
  /** The leader itself asked for this campaign: voters grant inside the election timeout. */
  readonly transfer: boolean
}

export interface VoteResponse extends Addressed {
  readonly type: 'vote-response'
  readonly preVote: boolean
  readonly granted: boolean
}

/**
 * AppendEntries (paper 5.3). The core names a range, `count` entries after `prev`; the shell puts the
 * entries in before the message leaves. Receivers find `entries` filled.
 */
export interface AppendRequest extends Addressed {
  readonly type: 'append'
  readonly prev: LogId
  readonly count: number
  readonly entries: readonly Entry[]
  readonly commit: number
  readonly incarnation: number
  /** The newest read round of the leader, 0 before the first. */
  readonly round: number
}

export interface AppendResponse extends Addressed {
  readonly type: 'append-response'
  /** True: the log agrees with the leader's up to `match`. False: it has no entry `prev`; `hint` says where to try. */
  readonly success: boolean
  readonly match: number
  /** The index of `prev` in the refused request; 0 on success. */
  readonly rejected: number
  /** On refusal, the last position at or before `prev` at which the follower's log could agree. */
  readonly hint: LogId
  readonly incarnation: number
  readonly round: number
}

/** A heartbeat asks nothing of the log, so it may overtake appends. `commit` never passes what the receiver has acknowledged. */
export interface HeartbeatRequest extends Addressed {
  readonly type: 'heartbeat'
  readonly commit: number
  readonly incarnation: number
  readonly round: number
}

export interface HeartbeatResponse extends Addressed {
  readonly type: 'heartbeat-response'
  readonly incarnation: number
  readonly round: number
}

/** Offers a snapshot that the shell has received whole and made durable. Answered by an append-response. */
export interface SnapshotRequest extends Addressed {
  readonly type: 'snapshot'
  readonly snapshot: SnapshotMeta
}

/** The leader asks its chosen successor to campaign at once (thesis 3.10). */
export interface TimeoutNow extends Addressed {
  readonly type: 'timeout-now'
}

/** A follower asks for an index at which a read is linearizable (thesis 6.4). */
export interface ReadIndexRequest extends Addressed {
  readonly type: 'read-index'
  readonly incarnation: number
  readonly context: number
}

export interface ReadIndexResponse extends Addressed {
  readonly type: 'read-index-response'
  /** Echoes of the request: an answer to a former life of the asker counts for nothing. */
  readonly incarnation: number
  readonly context: number
  /** The index to wait for, or 0: the asked node does not lead. */
  readonly index: number
}

export type Message =
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | HeartbeatRequest
  | HeartbeatResponse
  | SnapshotRequest
  | TimeoutNow
  | ReadIndexRequest
  | ReadIndexResponse

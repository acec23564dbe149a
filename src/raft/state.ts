import { assert, fail, randomBetween } from '../lib/index.ts'
import type { Random } from '../lib/index.ts'
import { LogIndex } from './log-index.ts'
import { isVoterAs, MembershipLog } from './membership.ts'
import { SEND_LIMITS } from './progress.ts'
import type { Progress, SendLimits } from './progress.ts'
import { ReadRounds } from './read-rounds.ts'
import { Stage } from './stage.ts'
import type { Entry, EntryKind, LogId, Membership, NodeId, Role } from './types.ts'

/** Milliseconds. The election timeout is drawn anew from [min, max] at every attempt. */
export interface Timings {
  readonly heartbeatIntervalMs: number
  readonly electionTimeoutMinMs: number
  readonly electionTimeoutMaxMs: number
}

export interface RaftOptions {
  readonly id: NodeId
  /** This node's key: a configuration that binds its id to another one speaks of somebody else. */
  readonly endpointId: string
  readonly timings: Timings
  readonly random: Random
  /** Different in every life of the node: answers to read rounds of a former life must not count. */
  readonly incarnation: number
  readonly encodeMembership: (membership: Membership) => Uint8Array
  /** Where it is to send less at a time than it could. */
  readonly sendLimits?: SendLimits
  /** Every invariant is checked after every input, at the cost of a pass over peers and configurations. */
  readonly thorough?: boolean
}

/** What a node knows when it starts. */
export interface RaftRestored {
  readonly term: number
  readonly votedFor: NodeId | null
  readonly purged: LogId
  /** Terms and payload sizes of the entries after `purged`, in order. All of them are durable. */
  readonly entries: Iterable<{ readonly term: number; readonly size: number }>
  /** The configuration in force at `applied`, then those of later entries, in order. */
  readonly memberships: readonly { readonly index: number; readonly membership: Membership }[]
  /** The last entry applied: it is known to be committed. */
  readonly applied: number
}

/** Rare events, counted since the node started. */
export interface RaftCounters {
  electionsStarted: number
  electionsLost: number
  leaderChanges: number
  truncations: number
  /** Truncations of two or more entries. */
  longTruncations: number
  /** Outstanding batches clamped by a truncation. */
  clamps: number
  snapshotsRestored: number
  /** Snapshots that replaced a log with entries that contradicted them. */
  conflictingSnapshots: number
  jointChanges: number
  /** Times that entries were held back from a peer, because as much as may be was unanswered. */
  fullWindows: number
  /** Times that a peer knew of promises of former lives, and all of them were kept. */
  reminders: number
}

/** An outgoing transfer of leadership. */
export interface LeadershipTransfer {
  readonly target: NodeId
  readonly deadline: number
  asked: boolean
}

/** An answer to a request for a vote, or whether one would be given. */
export interface HeardVote {
  readonly granted: boolean
  readonly preVote: boolean
  /** That was asked for. */
  readonly term: number
  /** In milliseconds of the core's clock. */
  readonly at: number
}

/** The one mutable record all handlers work on. */
export class RaftState {
  readonly id: NodeId
  readonly endpointId: string
  readonly timings: Timings
  readonly random: Random
  readonly incarnation: number
  readonly encodeMembership: (membership: Membership) => Uint8Array
  readonly sendLimits: SendLimits
  readonly log: LogIndex
  readonly memberships: MembershipLog
  readonly stage: Stage
  readonly rounds = new ReadRounds()
  readonly counters: RaftCounters = {
    electionsStarted: 0,
    electionsLost: 0,
    leaderChanges: 0,
    truncations: 0,
    longTruncations: 0,
    clamps: 0,
    snapshotsRestored: 0,
    conflictingSnapshots: 0,
    jointChanges: 0,
    fullWindows: 0,
    reminders: 0,
  }

  now = 0
  term: number
  votedFor: NodeId | null
  /** The term and vote that are on disk: nothing may be said under another one. */
  durableTerm: number
  role: Role = 'follower'
  leader: NodeId | null = null
  /** Who has led the present term, as far as this life knows: there is one, also after it has fallen silent. */
  leaderOfTerm: NodeId | null = null
  /** Entries up to here are durable, and are those of the log as it is now. */
  persisted: number
  commit: number
  /** When that moved last, or this node began to lead. */
  commitMovedAt = 0
  /** The highest commit that a leader has told of: how far this node is behind. Nothing is decided by it. */
  toldCommit = 0
  /** The last entry handed out for apply. */
  handedOut: number
  /** The log is known to agree up to here with that of the leader of this term, of which there is one, whoever else campaigns meanwhile. */
  verified = 0

  /** Term and end of the log as this life has found them, and the first entry that a leader has had removed since. */
  readonly restoredTerm: number
  readonly restoredLast: number
  lowestCut = Number.POSITIVE_INFINITY
  /** By key: the last entry of what is committed that its holder has acknowledged to this node as the leader. It outlives the term. */
  readonly held = new Map<string, LogId>()

  electionDeadline = 0
  lastLeaderContact = Number.NEGATIVE_INFINITY
  /** Until then the leader counts as crashed: its last link broke and its port refuses. */
  hintedUntil = Number.NEGATIVE_INFINITY
  votes = new Map<NodeId, boolean>()
  /** What each voter has answered last when this node asked for its vote; for people. */
  readonly heardVotes = new Map<NodeId, HeardVote>()
  /** Where a committed configuration stands that this node has heard of, and is not named in: without it no election is to be won. */
  outlivedAt = 0
  /** The campaign at hand was asked for by the leader. */
  transferCampaign = false

  readonly progress = new Map<NodeId, Progress>()
  heartbeatDeadline = 0
  quorumDeadline = 0
  transfer: LeadershipTransfer | null = null

  constructor(options: RaftOptions, restored: RaftRestored) {
    this.id = options.id
    this.endpointId = options.endpointId
    this.timings = options.timings
    this.random = options.random
    this.incarnation = options.incarnation
    this.encodeMembership = options.encodeMembership
    this.sendLimits = options.sendLimits ?? SEND_LIMITS
    this.term = restored.term
    this.votedFor = restored.votedFor
    this.durableTerm = restored.term
    this.log = new LogIndex(restored.purged)
    for (const entry of restored.entries) this.log.append(entry.term, entry.size)
    this.restoredTerm = restored.term
    this.restoredLast = this.log.lastIndex
    if (!(restored.applied >= restored.purged.index))
      fail(`applied ${restored.applied} lies before the log, purged to ${restored.purged.index}`)
    if (!(restored.applied <= this.log.lastIndex))
      fail(`applied ${restored.applied} lies after the log's end ${this.log.lastIndex}`)
    const [base, ...later] = restored.memberships
    assert(base !== undefined, 'a restored node has a base configuration, if an empty one')
    this.memberships = new MembershipLog(base)
    for (const { index, membership } of later) this.memberships.push(index, membership)
    this.persisted = this.log.lastIndex
    this.commit = restored.applied
    this.handedOut = restored.applied
    this.stage = new Stage(this.log.lastIndex)
  }

  get membership(): Membership {
    return this.memberships.active
  }

  /**
   * Only voters campaign, and those whom a configuration not yet committed removes: without the entries they
   * hold, it may never commit (thesis 4.2.2). One that lost its disk and comes back under a new key passes through the
   * configurations in which its id was a voter under the old key: that voter had a memory, and this node has not. One that lacks the committed
   * configuration by which it was removed lacks a committed entry: nobody would elect it.
   */
  get promotable(): boolean {
    return this.memberships.activeIndex >= this.outlivedAt && this.memberships.mayVote(this.id, this.endpointId)
  }

  /** Whether this node's own vote and log count in the configuration in force. */
  get isVoter(): boolean {
    return isVoterAs(this.membership, this.id, this.endpointId)
  }

  get hinted(): boolean {
    return this.now < this.hintedUntil
  }

  /** True once an entry of the present term has committed: only then does a leader know what is committed. */
  get committedInTerm(): boolean {
    return this.log.termAt(this.commit) === this.term
  }

  setTerm(term: number, votedFor: NodeId | null): void {
    if (!(term >= this.term)) fail(`term ${this.term} cannot go back to ${term}`)
    if (term === this.term && votedFor === this.votedFor) return
    if (term > this.term) {
      this.verified = 0
      this.leaderOfTerm = null
    }
    this.term = term
    this.votedFor = votedFor
    this.stage.hardState({ term, votedFor })
  }

  resetElectionTimer(): void {
    const { electionTimeoutMinMs, electionTimeoutMaxMs } = this.timings
    this.electionDeadline = this.now + randomBetween(this.random, electionTimeoutMinMs, electionTimeoutMaxMs)
  }

  setRole(role: Role, leader: NodeId | null): void {
    if (leader !== null) {
      const { leaderOfTerm } = this
      if (leaderOfTerm !== null && leaderOfTerm !== leader)
        fail(`nodes ${leaderOfTerm} and ${leader} both lead term ${this.term}`)
      this.leaderOfTerm = leader
      if (leader !== this.leader) this.counters.leaderChanges++
    }
    if (role === this.role && leader === this.leader) return
    this.role = role
    this.leader = leader
    this.stage.role({ role, term: this.term, leader })
  }

  /** Adds an entry of the present term behind the log of a leader. */
  appendEntry(kind: EntryKind, payload: Uint8Array, membership?: Membership): LogId {
    const index = this.log.lastIndex + 1
    const entry: Entry = { index, term: this.term, kind, payload, ...(membership === undefined ? {} : { membership }) }
    this.log.append(this.term, payload.length)
    this.stage.append(entry)
    if (membership !== undefined) this.memberships.push(index, membership)
    return { term: this.term, index }
  }

  truncateFrom(index: number): void {
    if (!(index > this.commit)) fail(`truncation at ${index} would remove committed entries (commit ${this.commit})`)
    this.counters.truncations++
    if (this.log.lastIndex > index) this.counters.longTruncations++
    this.lowestCut = Math.min(this.lowestCut, index)
    this.log.truncateFrom(index)
    this.memberships.truncateFrom(index)
    if (this.stage.truncateFrom(index)) this.counters.clamps++
    this.persisted = Math.min(this.persisted, index - 1)
    this.verified = Math.min(this.verified, index - 1)
  }

  /** Moves the commit index forward and hands out what may be applied. */
  commitTo(index: number): boolean {
    if (index <= this.commit) return false
    if (!(index <= this.log.lastIndex))
      fail(`commit ${index} lies after the log's end ${this.log.lastIndex}: acknowledged entries are missing`)
    this.commit = index
    this.commitMovedAt = this.now
    this.memberships.commit(index)
    this.handOut()
    return true
  }

  /** Entries are applied once committed and durable here, never before. */
  handOut(): void {
    const last = Math.min(this.commit, this.persisted)
    if (last <= this.handedOut) return
    this.stage.apply(this.handedOut + 1, last)
    this.handedOut = last
  }
}

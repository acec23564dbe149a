import { assert, fail, unreachable } from '../lib/index.ts'
import type { Effects } from './effects.ts'
import {
  electionTimeout,
  becomeFollower,
  handleTimeoutNow,
  handleVoteRequest,
  handleVoteResponse,
  ignoresVote,
  observeTerm,
  ownVoteDurable,
  peerCrashed,
} from './election.ts'
import { checkInvariants, checkThoroughly } from './invariants.ts'
import { changeMembership, forgetDeparted } from './membership-change.ts'
import type { ChangeRefusal } from './membership-change.ts'
import { allVoters, hasQuorum, initialMembership, isVoter, isVoterAs } from './membership.ts'
import type { MembershipTarget } from './membership.ts'
import type { Message } from './messages.ts'
import type { Progress } from './progress.ts'
import { handleReadIndex, handleReadIndexResponse, openReads, retryLostReads } from './read-index.ts'
import {
  advanceCommit,
  handleAppendResponse,
  handleHeartbeatResponse,
  linkClosed,
  linkOpened,
  sendAppends,
  sendHeartbeat,
  snapshotEnded,
} from './leader.ts'
import { handleAppend, handleHeartbeat, handleSnapshot, refuseStaleLeader } from './follower.ts'
import { checkReminder } from './reminder.ts'
import type { Reminder } from './reminder.ts'
import { RaftState } from './state.ts'
import type { HeardVote, RaftCounters, RaftOptions, RaftRestored } from './state.ts'
import { bestSuccessor, transferLeadership } from './transfer.ts'
import type { EntryKind, LogId, Member, Membership, NodeId, Role } from './types.ts'

/** A peer as the leader sees it. */
export interface PeerProgress {
  readonly state: Progress['state']
  readonly match: number
  readonly lastContactMs: number
  /** How long its last round of catching up took, and the one of now so far; null before the first has ended. */
  readonly roundMs: number | null
  /** Both are shorter than any election timeout: what it still lacks would not hold up those who vote with it (thesis 4.2.1). */
  readonly keepsUp: boolean
}

/**
 * The consensus core of one node: deterministic, without clock, disk, network or promise.
 *
 * Feed it inputs (`tick` first, with the time), then `take` effects until there are none, and carry them out as
 * {@link Effects} says. It throws AssertionError when an invariant breaks; it must not be used after that.
 */
export class Raft {
  readonly #state: RaftState
  readonly #thorough: boolean

  constructor(options: RaftOptions, restored: RaftRestored, now: number) {
    const state = new RaftState(options, restored)
    this.#state = state
    this.#thorough = options.thorough ?? false
    state.now = now
    state.resetElectionTimer()
    // Nobody else could lead: there is no one to wait for.
    if (this.#isOnlyVoter()) state.electionDeadline = now
  }

  // --- Inputs ---

  /** Moves the clock, in monotonic milliseconds, and does what is due. */
  tick(now: number): void {
    const state = this.#state
    state.now = Math.max(now, state.now)
    if (state.role === 'leader') this.#leaderTick()
    else {
      retryLostReads(state)
      if (state.now >= state.electionDeadline) electionTimeout(state)
    }
    this.#settled()
  }

  /** Takes in a message from a peer whose identity the shell has checked. Appends come with their entries. */
  step(message: Message): void {
    const state = this.#state
    if (message.to !== state.id) fail(`a message for node ${message.to} reached node ${state.id}`)
    if (message.type === 'vote' && ignoresVote(state, message)) return
    observeTerm(state, message)
    if (message.term < state.term && this.#stepStale(message)) return
    this.#dispatch(message)
    this.#settled()
  }

  /**
   * Appends an entry as leader. Undefined when this node does not lead or is handing over: nothing was appended.
   */
  propose(payload: Uint8Array, kind: EntryKind = 'command'): LogId | undefined {
    const state = this.#state
    if (state.role !== 'leader' || state.transfer !== null) return undefined
    const logId = state.appendEntry(kind, payload)
    this.#settled()
    return logId
  }

  /** Takes in a linearizable read; every read that joins before the next `take` that can open a round shares the ticket. */
  read(): number {
    return this.#state.rounds.join()
  }

  /** Nobody waits for the reads of these tickets any more. */
  forgetReads(tickets: ReadonlySet<number>): void {
    this.#state.rounds.forget(tickets)
  }

  /** Founds a cluster on a node that has nothing: the configuration becomes entry 1 of term 0, and this node campaigns. */
  bootstrap(members: readonly Member[]): void {
    const state = this.#state
    assert(state.log.lastIndex === 0 && state.term === 0, 'bootstrap needs an empty log and a node that never voted')
    const membership = initialMembership(members)
    assert(isVoterAs(membership, state.id, state.endpointId), 'bootstrap needs this node among the voters, under its key')
    state.appendEntry('membership', state.encodeMembership(membership), membership)
    state.electionDeadline = state.now
    electionTimeout(state)
    this.#settled()
  }

  changeMembership(target: MembershipTarget): LogId | ChangeRefusal {
    const outcome = changeMembership(this.#state, target)
    this.#settled()
    return outcome
  }

  /** Hands leadership to `target`, or to the best successor. False when there is nobody to hand it to. */
  transferLeadership(target: NodeId | null = bestSuccessor(this.#state)): boolean {
    return target !== null && transferLeadership(this.#state, target)
  }

  /** Everything that batch `id` and those before it asked to persist or restore is durable. */
  persisted(id: number): void {
    const state = this.#state
    for (const batch of state.stage.complete(id)) {
      if (batch.hardState !== undefined) state.durableTerm = batch.hardState.term
      if (batch.lastIndex > state.persisted) state.persisted = batch.lastIndex
    }
    ownVoteDurable(state)
    advanceCommit(state)
    state.handOut()
    this.#settled()
  }

  /** The shell has purged the log up to `index`, all of which is applied. */
  purged(index: number): void {
    const state = this.#state
    if (!(index <= state.handedOut)) fail(`purge to ${index} passes what was handed out for apply, ${state.handedOut}`)
    state.log.purge(index)
    this.#settled()
  }

  /** The active path to a peer ended, for whatever reason: messages in flight are lost. */
  linkClosed(peer: NodeId): void {
    linkClosed(this.#state, peer)
    this.#settled()
  }

  /** A path to a peer is there (again): what was held back may be tried at once. */
  linkOpened(peer: NodeId): void {
    linkOpened(this.#state, peer)
    this.#settled()
  }

  /** A peer's last link broke and its port refuses connections. */
  peerCrashed(peer: NodeId): void {
    peerCrashed(this.#state, peer)
    this.#settled()
  }

  /** The transfer of a snapshot ended, well or badly. What the peer still lacks is found out by its next answer. */
  snapshotEnded(peer: NodeId): void {
    snapshotEnded(this.#state, peer)
    this.#settled()
  }

  /** A member knows of a committed configuration, at `index`, that does not name this node: until it is known here, this node asks for no votes. */
  outlived(index: number): void {
    const state = this.#state
    state.outlivedAt = Math.max(state.outlivedAt, index)
    if (state.role !== 'leader' && !state.promotable) becomeFollower(state, state.term, state.leader)
    this.#settled()
  }

  /**
   * A peer has said what this node had promised: what former lives had, or this one too.
   * @throws ForgottenPromise for what its disk does not know
   */
  reminded(from: NodeId, reminder: Reminder, ofFormerLives: boolean): void {
    checkReminder(this.#state, from, reminder, ofFormerLives)
  }

  // --- Output ---

  /** The effects of everything since the last call, or undefined when there are none. */
  take(): Effects | undefined {
    const state = this.#state
    openReads(state)
    if (state.role === 'leader') {
      sendAppends(state)
      for (const [id, progress] of state.progress) {
        const unasked = state.rounds.hasOpen && progress.sentRound < state.rounds.round
        if (unasked && isVoter(state.membership, id)) sendHeartbeat(state, id, progress)
      }
    }
    checkInvariants(state)
    const effects = state.stage.take(state.log.lastIndex)
    this.#settled()
    return effects
  }

  // --- What can be seen ---

  get id(): NodeId {
    return this.#state.id
  }
  get term(): number {
    return this.#state.term
  }
  get votedFor(): NodeId | null {
    return this.#state.votedFor
  }
  get role(): Role {
    return this.#state.role
  }
  get leader(): NodeId | null {
    return this.#state.leader
  }
  get membership(): Membership {
    return this.#state.membership
  }
  get membershipIndex(): number {
    return this.#state.memberships.activeIndex
  }
  get lastLog(): LogId {
    return this.#state.log.last
  }
  get purgedTo(): LogId {
    return this.#state.log.purged
  }

  /** The earliest position behind which at most so many entries, with at most so many bytes, lead up to `index`. */
  positionBefore(index: number, maxEntries: number, maxBytes: number): number {
    return this.#state.log.positionBefore(index, maxEntries, maxBytes)
  }

  /** On a leader: how far all peers have come that answer and are sent entries; infinite when there are none. */
  get reachedByPeers(): number {
    const { role, progress, now, timings } = this.#state
    let reached = Number.POSITIVE_INFINITY
    if (role !== 'leader') return reached
    for (const { state, match, lastContact } of progress.values()) {
      if (state !== 'snapshot' && now - lastContact < timings.electionTimeoutMinMs) reached = Math.min(reached, match)
    }
    return reached
  }
  get persistedIndex(): number {
    return this.#state.persisted
  }
  /** The highest index that this node knows to be committed anywhere. Above {@link commitIndex} while it catches up. */
  get knownCommitIndex(): number {
    return Math.max(this.#state.commit, this.#state.toldCommit)
  }

  /** When the commit index moved last, or this node began to lead, in milliseconds of the core's clock. */
  get commitMovedAt(): number {
    return this.#state.commitMovedAt
  }

  get commitIndex(): number {
    return this.#state.commit
  }
  get counters(): Readonly<RaftCounters> {
    return this.#state.counters
  }
  /** True for a leader that has proposed a configuration without itself, until that is committed. */
  get leaving(): boolean {
    return this.#state.role === 'leader' && !this.#state.isVoter
  }
  /** True while leadership is being handed over: proposals are refused. */
  get transferring(): boolean {
    return this.#state.transfer !== null
  }

  /** What voters have answered last while this node asked for votes; empty once somebody leads. */
  get heardVotes(): ReadonlyMap<NodeId, HeardVote> {
    return this.#state.heardVotes
  }

  /** The last entry of what is committed that the holder of this key has acknowledged to this node, in whichever term; index 0: none. */
  heldBy(endpointId: string): LogId {
    return this.#state.held.get(endpointId) ?? { term: 0, index: 0 }
  }

  /** The term of the entry at `index`, or undefined when it is not held. */
  termAt(index: number): number | undefined {
    return this.#state.log.termAt(index)
  }

  /** On a leader: what it knows of a peer. */
  peer(id: NodeId): PeerProgress | undefined {
    const progress = this.#state.progress.get(id)
    if (progress === undefined) return undefined
    const { now, timings } = this.#state
    const roundMs = progress.lastRoundMs === null ? null : Math.max(progress.lastRoundMs, progress.roundMs(now))
    const keepsUp = roundMs !== null && roundMs < timings.electionTimeoutMinMs
    return { state: progress.state, match: progress.match, lastContactMs: now - progress.lastContact, roundMs, keepsUp }
  }

  /** When `tick` has something to do next, in milliseconds of the clock it is given. */
  get nextDeadline(): number {
    const state = this.#state
    if (state.role === 'leader') return Math.min(state.heartbeatDeadline, state.quorumDeadline)
    return Math.min(state.electionDeadline, state.rounds.oldestAskedAt + state.timings.heartbeatIntervalMs)
  }

  // --- The one place that branches on role and message ---

  #dispatch(message: Message): void {
    const state = this.#state
    switch (message.type) {
      case 'vote':
        return handleVoteRequest(state, message)
      case 'vote-response':
        return handleVoteResponse(state, message)
      case 'append':
        return handleAppend(state, message)
      case 'append-response':
        return handleAppendResponse(state, message)
      case 'heartbeat':
        return handleHeartbeat(state, message)
      case 'heartbeat-response':
        return handleHeartbeatResponse(state, message)
      case 'snapshot':
        return handleSnapshot(state, message)
      case 'timeout-now':
        return handleTimeoutNow(state, message)
      case 'read-index':
        return handleReadIndex(state, message)
      case 'read-index-response':
        return handleReadIndexResponse(state, message)
      default:
        return unreachable(message)
    }
  }

  #settled(): void {
    if (this.#thorough) checkThoroughly(this.#state)
  }

  /** A message of an earlier term. Returns true when there is nothing more to do with it. */
  #stepStale(message: Message): boolean {
    const leads = message.type === 'append' || message.type === 'heartbeat' || message.type === 'snapshot'
    if (leads) refuseStaleLeader(this.#state, message)
    // Requests to vote are answered with the later term; so are read questions, whose asker is merely behind.
    return message.type !== 'vote' && message.type !== 'read-index'
  }

  #leaderTick(): void {
    const state = this.#state
    if (state.transfer !== null && state.now >= state.transfer.deadline) state.transfer = null
    forgetDeparted(state)
    if (state.now >= state.quorumDeadline && !this.#checkQuorum()) return
    if (state.now < state.heartbeatDeadline) return
    state.heartbeatDeadline = state.now + state.timings.heartbeatIntervalMs
    for (const [id, progress] of state.progress) sendHeartbeat(state, id, progress)
  }

  /** A leader that has not heard from a quorum for an election timeout steps down (thesis 6.2). */
  #checkQuorum(): boolean {
    const state = this.#state
    const limit = state.now - state.timings.electionTimeoutMinMs
    const active = hasQuorum(state.membership, (id) => id === state.id || (state.progress.get(id)?.lastContact ?? 0) > limit)
    if (active) {
      state.quorumDeadline = state.now + state.timings.heartbeatIntervalMs
      return true
    }
    becomeFollower(state, state.term, null)
    return false
  }

  #isOnlyVoter(): boolean {
    const { membership, isVoter: votes } = this.#state
    return votes && allVoters(membership).length === 1
  }
}

/**
 * Replicas compare the digests of their states after the same entries, at the leader: after each of DIGEST_INTERVAL entries, and after the
 * last one when no more come.
 *
 * Invariants: a node stops only when a majority of the voters has one other digest for an entry than it has itself; digests are compared
 * with those of the same entry only; a leader that must stop has handed leadership over before, or found nobody to take it.
 */
import type { ClassifiedError, StateDigest, StateMachine } from '../../ports/index.ts'
import type { NodeId } from '../../raft/index.ts'
import type { DigestVerdict, StateDigests } from '../../wire/index.ts'
import type { PeerSender, SnapshotListener, TurnContext } from '../turn/index.ts'
import { DigestTally } from './digest-tally.ts'

/** How often it is looked whether entries still come, in milliseconds. */
const LOOK_INTERVAL_MS = 1_000
/** After so long, what was said last is said again: it may not have arrived. */
const REPEAT_INTERVAL_MS = 10_000
/** How often all rows are counted anew, so that damage on disk counts, in milliseconds. */
export const AUDIT_INTERVAL_MS: number = 6 * 60 * 60 * 1_000
/** Multiples of it, taken without their whole part, lie far apart: nodes do not count at the same time. */
const GOLDEN_RATIO = 0.618034
/** How long a leader that must stop tries to hand over. */
const HANDOVER_MS = 2_000

/** What can be seen of digests. */
export interface DigestStanding {
  /** The newest entry after which this node has taken its digest; 0 before the first. */
  readonly index: number
  /** The newest entry of which this node knows that replicas had different states after it, or null. */
  readonly disputedIndex: number | null
  /** That has not been settled since. */
  readonly isDisputed: boolean
}

/** The state of this node is not what the log makes of it: a majority of the voters has another one. */
export class DivergedState extends Error implements ClassifiedError {
  override readonly name = 'DivergedState'
  readonly faultKind = 'state'

  constructor({ index, digest }: StateDigest, theirs: number) {
    super(
      `the state of this node after entry ${index} has the digest ${digest.toString(16)}, and a majority of the voters has ${theirs.toString(16)}: ` +
        'its memory or disk has changed what was written, or its program applies entries otherwise. It stops; started again, it takes ' +
        'its state from the leader. Check its memory and disk if it happens again',
    )
  }
}

interface Divergence {
  readonly error: DivergedState
  readonly deadline: number
}

type WatchContext = TurnContext<'fail', 'id' | 'role' | 'term' | 'leader' | 'membership' | 'transferring' | 'transferLeadership'>

type WatchedState = Pick<StateMachine, 'info' | 'digest' | 'audit' | 'awaitsSnapshot' | 'distrust'>

export class DigestWatch implements SnapshotListener {
  readonly #context: WatchContext
  readonly #stateMachine: WatchedState
  readonly #peers: PeerSender
  readonly #tally = new DigestTally()
  #newest = 0
  #disputedIndex: number | null = null
  #agreedIndex = 0
  #nextLook = 0
  #lookedAt = -1
  // What the leader was told: who, when, and up to which entry.
  #toldLeader: NodeId | null = null
  #toldAt = 0
  #toldIndex = 0
  #diverged: Divergence | null = null
  #marking = false
  #nextAudit: number
  #auditing = false

  constructor(context: WatchContext, stateMachine: WatchedState, peers: PeerSender) {
    this.#context = context
    this.#stateMachine = stateMachine
    this.#peers = peers
    this.#nextAudit = context.clock.now() + AUDIT_INTERVAL_MS * (1 + ((context.raft.id * GOLDEN_RATIO) % 1))
  }

  get standing(): DigestStanding {
    const disputedIndex = this.#disputedIndex
    const isDisputed = disputedIndex !== null && disputedIndex >= this.#agreedIndex
    return { index: this.#newest, disputedIndex, isDisputed }
  }

  /** The state had these digests as entries were applied. */
  taken(digests: readonly StateDigest[]): void {
    const { id, role } = this.#context.raft
    for (const one of digests) {
      this.#tally.note(id, one)
      this.#newest = Math.max(this.#newest, one.index)
      if (role === 'leader') this.#judge(one.index)
    }
  }

  /** The state is another one now: what was taken before says nothing of it. */
  restored(): void {
    this.#tally.forget(this.#context.raft.id)
    this.#lookedAt = -1
  }

  roleChanged(): void {
    this.#tally.forgetOthers(this.#context.raft.id)
    this.#toldLeader = null
  }

  /** Those of a follower or learner. */
  reported({ from, digests }: StateDigests): void {
    if (this.#context.raft.role !== 'leader') return
    for (const one of digests) {
      this.#tally.note(from, one)
      this.#judge(one.index)
    }
  }

  /** What the leader has found of an entry. */
  judged({ term, index, digest }: DigestVerdict): void {
    const { raft } = this.#context
    if (term !== raft.term || raft.role === 'leader') return
    const ours = this.#tally.of(raft.id, index)
    if (ours === undefined) return
    if (digest === null) this.#dispute(index)
    else if (digest === ours) this.#agree(index)
    else this.#diverge({ index, digest: ours }, digest)
  }

  progress(now: number): void {
    if (this.#diverged !== null) {
      this.#stop(this.#diverged, now)
      return
    }
    if (now >= this.#nextLook) this.#look(now)
    if (!this.#stateMachine.awaitsSnapshot) this.#tell(now)
  }

  #look(now: number): void {
    this.#nextLook = now + LOOK_INTERVAL_MS
    if (this.#stateMachine.awaitsSnapshot) {
      this.#leaveLeadership()
      return
    }
    if (now >= this.#nextAudit && !this.#auditing) this.#audit(now)
    const { index } = this.#stateMachine.info().applied
    const isIdle = index === this.#lookedAt
    this.#lookedAt = index
    if (isIdle && index > this.#newest) this.taken([this.#stateMachine.digest()])
  }

  snapshotTaken(): void {}

  /** It may be that the rows are not those that were written: then they are counted at once. */
  snapshotRefused(): void {
    this.#nextAudit = 0
  }

  #audit(now: number): void {
    const { loop, logger, metrics } = this.#context
    this.#auditing = true
    this.#nextAudit = now + AUDIT_INTERVAL_MS
    this.#stateMachine.audit((error, isSound) => {
      this.#auditing = false
      if (error !== undefined) loop.fail(error)
      if (isSound !== false) return
      metrics.stateDamage.add()
      logger.log('error', 'the rows of the state are not those that were written: others are asked what they have', {})
      // Whoever has compared this entry has compared what was written.
      this.taken([this.#stateMachine.digest()])
      this.#toldIndex = 0
    })
  }

  /** The log of this node may be the longest, and its vote is needed; but it can serve nobody. */
  #leaveLeadership(): void {
    const { raft } = this.#context
    if (raft.role === 'leader' && !raft.transferring) raft.transferLeadership()
  }

  #tell(now: number): void {
    const { id, role, leader } = this.#context.raft
    if (role === 'leader' || leader === null || leader === id || this.#newest === 0) return
    const isAgain = leader === this.#toldLeader && this.#toldIndex === this.#newest
    if (isAgain && now - this.#toldAt < REPEAT_INTERVAL_MS) return
    const digests = this.#tally.all(id)
    const newer = leader === this.#toldLeader && !isAgain ? digests.filter(({ index }) => index > this.#toldIndex) : digests
    this.#toldLeader = leader
    this.#toldAt = now
    this.#toldIndex = this.#newest
    if (newer.length > 0) this.#peers.send(leader, { type: 'state-digests', from: id, digests: newer }, 'normal')
  }

  /** Only on a leader, which hears from everybody. */
  #judge(index: number): void {
    const { raft } = this.#context
    const { digest, isDisputed, wrong } = this.#tally.judge(index, raft.membership)
    const ours = this.#tally.of(raft.id, index)
    if (isDisputed) this.#dispute(index)
    if (digest === null) {
      if (isDisputed) this.#tellAll(index, null)
      return
    }
    for (const node of wrong) {
      if (node === raft.id) this.#diverge({ index, digest: ours as number }, digest)
      else this.#say(node, index, digest)
    }
    if (isDisputed || !this.standing.isDisputed) return
    this.#agree(index)
    if (!this.standing.isDisputed) this.#tellAll(index, digest)
  }

  #tellAll(index: number, digest: number | null): void {
    const { raft } = this.#context
    for (const { id } of raft.membership.members) if (id !== raft.id) this.#say(id, index, digest)
  }

  #say(to: NodeId, index: number, digest: number | null): void {
    const { id, term } = this.#context.raft
    this.#peers.send(to, { type: 'digest-verdict', from: id, term, index, digest }, 'normal')
  }

  #dispute(index: number): void {
    if (this.#disputedIndex !== null && index <= this.#disputedIndex) return
    this.#disputedIndex = index
    this.#context.metrics.digestDisputes.add()
    this.#context.logger.log('error', 'replicas have different states after the same entry', { index })
  }

  #agree(index: number): void {
    this.#agreedIndex = Math.max(this.#agreedIndex, index)
  }

  #diverge(ours: StateDigest, theirs: number): void {
    const { clock, logger } = this.#context
    if (this.#diverged !== null) return
    this.#dispute(ours.index)
    const error = new DivergedState(ours, theirs)
    this.#diverged = { error, deadline: clock.now() + HANDOVER_MS }
    logger.log('error', 'a majority of the voters has another state than this node: it stops', { index: ours.index })
  }

  #stop({ error, deadline }: Divergence, now: number): void {
    const { raft, loop, cluster } = this.#context
    if (raft.role === 'leader' && now < deadline && (raft.transferring || raft.transferLeadership())) return
    if (this.#marking) return
    this.#marking = true
    this.#stateMachine.distrust(cluster.id ?? '', (failure) => loop.fail(failure ?? error))
  }
}

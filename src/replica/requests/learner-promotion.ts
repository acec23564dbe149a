/**
 * The rules by which a learner becomes a voter (the specification's learner_promotion): it is linked, answers, and is near the end of the log;
 * the voters were not changed for a while; there are not too many; and those that answer are a majority of the voters before and after. A
 * voter that is gone may be replaced in the same change, which is joint.
 */
import { AspenError } from '../../api/index.ts'
import type { MembershipCondition } from '../../api/index.ts'
import { MAX_VOTERS, MEMBERSHIP_COOLDOWN_MS } from '../../limits.ts'
import { finalMembership, hasQuorum, proposedMembership } from '../../raft/index.ts'
import type { Membership, MembershipTarget, NodeId, Timings } from '../../raft/index.ts'
import type { Peers } from '../peers/index.ts'
import type { TurnContext } from '../turn/index.ts'
import { isAlive, notReady } from './learner-readiness.ts'

export interface PromotionRequest extends MembershipCondition {
  readonly op: 'promote-learner'
  readonly nodeId: NodeId
  /** The voter that it takes the place of; absent: it comes beside the others. */
  readonly replace?: NodeId
  /** Whether the voters may have been changed a moment ago. */
  readonly force: boolean
  readonly dryRun: boolean
}

/** What keeps a promotion from being made. */
type Reason = 'cooldown' | 'too_many_voters' | 'quorum' | 'replaced_voter_alive'

type PromotionCore = 'id' | 'membership' | 'membershipIndex' | 'lastLog' | 'peer'

export class LearnerPromotion {
  readonly #context: TurnContext<never, PromotionCore>
  readonly #peers: Pick<Peers, 'isLinked'>
  readonly #timings: Timings
  #seen: Membership
  #seenIndex: number
  /** Of this life; what came before it is long enough ago. */
  #votersChangedAt: number | null = null

  constructor(context: TurnContext<never, PromotionCore>, peers: Pick<Peers, 'isLinked'>, timings: Timings) {
    this.#context = context
    this.#peers = peers
    this.#timings = timings
    this.#seen = context.raft.membership
    this.#seenIndex = context.raft.membershipIndex
  }

  /** Notes when the voters change: whoever leads next has seen it too. */
  follow(now: number): void {
    const { raft } = this.#context
    if (raft.membershipIndex === this.#seenIndex) return
    const before = this.#seen.voters
    this.#seen = raft.membership
    this.#seenIndex = raft.membershipIndex
    // A cluster that begins, or becomes known, is no change.
    if (before.length > 0 && before.join() !== raft.membership.voters.join()) this.#votersChangedAt = now
  }

  /** The change to make; null when it is made already; or why not. LEARNER_NOT_READY may pass. */
  check(request: Pick<PromotionRequest, 'nodeId' | 'replace' | 'force'>, now: number): MembershipTarget | AspenError | null {
    const { nodeId, replace, force } = request
    const { membership } = this.#context.raft
    const replaced = replace !== undefined && membership.voters.includes(replace) ? replace : null
    if (membership.voters.includes(nodeId) && replaced === null) return null
    const mistake = this.#mistake(nodeId, replace)
    if (mistake !== null) return mistake
    const voters = [...membership.voters.filter((id) => id !== replaced), nodeId]
    const target = { voters, learners: membership.learners.filter((id) => id !== nodeId), newMembers: [] }
    const obstacle = this.#obstacle(voters.length, replaced, force ? 0 : this.#cooldownMs(now))
    return obstacle ?? this.#notReady(nodeId) ?? this.#quorum(voters) ?? target
  }

  /** The configuration that a change leads to. */
  outcome(target: MembershipTarget): Membership {
    return finalMembership(proposedMembership(this.#context.raft.membership, target))
  }

  /** What no waiting cures. */
  #mistake(nodeId: NodeId, replace: NodeId | undefined): AspenError | null {
    const { raft } = this.#context
    const { voters, members } = raft.membership
    if (!members.some(({ id }) => id === nodeId)) {
      const words = `node ${nodeId} is no member: add it with POST /add-learner first`
      return new AspenError('NODE_UNKNOWN', words, { node_id: nodeId })
    }
    const wrong = (words: string, id: NodeId): AspenError => new AspenError('INVALID_REQUEST', words, { node_id: id })
    if (voters.includes(nodeId))
      return wrong(`node ${nodeId} is a voter: remove another one with POST /change-membership`, nodeId)
    if (replace === undefined) return null
    if (!voters.includes(replace)) return wrong(`node ${replace} is no voter: only a voter can be replaced`, replace)
    return replace === raft.id ? wrong(`node ${replace} leads: only a voter that is gone can be replaced`, replace) : null
  }

  #obstacle(voters: number, replaced: NodeId | null, waitMs: number): AspenError | null {
    if (voters > MAX_VOTERS) return refused('too_many_voters', `${voters} voters: at most ${MAX_VOTERS} are allowed`)
    if (replaced !== null && this.#heardWithin(replaced, this.#timings.electionTimeoutMaxMs)) {
      const words = `node ${replaced} has answered a moment ago: only a voter that is gone is replaced; POST /change-membership removes any`
      return refused('replaced_voter_alive', words, { node_id: replaced })
    }
    if (waitMs > 0) {
      const words = `the voters were changed less than ${MEMBERSHIP_COOLDOWN_MS / 1_000} s ago: ask again in ${Math.ceil(waitMs / 1_000)} s, or with force`
      return refused('cooldown', words, { wait_ms: Math.ceil(waitMs) })
    }
    return null
  }

  /** The change needs a majority of either. */
  #quorum(voters: readonly NodeId[]): AspenError | null {
    const { raft } = this.#context
    const alive = new Set([...raft.membership.voters, ...voters].filter((id) => this.#answers(id)))
    const joint = { ...raft.membership, voters, outgoing: raft.membership.voters }
    if (hasQuorum(joint, (id) => alive.has(id))) return null
    const words = `of the voters before (${raft.membership.voters.join(', ')}) and after (${voters.join(', ')}) only ${[...alive].join(', ')} answer: that is no majority of both`
    return refused('quorum', words, { answering: [...alive] })
  }

  #notReady(nodeId: NodeId): AspenError | null {
    const { raft } = this.#context
    const obstacle = notReady(raft, this.#peers, nodeId)
    if (obstacle !== null || this.#answers(nodeId)) return obstacle
    const words = `node ${nodeId} is linked, and has not answered for an election timeout: nothing was changed; look at it, and try again`
    return new AspenError('LEARNER_NOT_READY', words, { node_id: nodeId, connected: true })
  }

  #answers(id: NodeId): boolean {
    return isAlive(this.#context.raft, this.#peers, id, this.#timings.electionTimeoutMinMs)
  }

  /** Whatever has become of its link since. */
  #heardWithin(id: NodeId, ms: number): boolean {
    const peer = this.#context.raft.peer(id)
    return peer !== undefined && peer.lastContactMs < ms
  }

  #cooldownMs(now: number): number {
    return this.#votersChangedAt === null ? 0 : this.#votersChangedAt + MEMBERSHIP_COOLDOWN_MS - now
  }
}

function refused(reason: Reason, words: string, details: AspenError['details'] = {}): AspenError {
  return new AspenError('PROMOTION_REFUSED', `${words}; nothing was changed`, { ...details, reason })
}

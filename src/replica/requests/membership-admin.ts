import { AspenError } from '../../api/index.ts'
import type { MembershipCondition } from '../../api/index.ts'
import { unreachable } from '../../lib/index.ts'
import { MAX_ADMIN_REQUESTS, MAX_LEARNERS, MAX_VOTERS } from '../../limits.ts'
import { isJoint } from '../../raft/index.ts'
import type { LogId, Member, MembershipTarget, NodeId, Timings } from '../../raft/index.ts'
import type { Configuration } from '../../wire/index.ts'
import type { Reply } from '../options.ts'
import { bindMember, mayStillLink } from '../peers/index.ts'
import type { Peers } from '../peers/index.ts'
import type { Engine, TurnContext } from '../turn/index.ts'
import type { ClusterVersion } from './cluster-version.ts'
import { isPassing, LeadershipTransfer } from './leadership-transfer.ts'
import type { TransferRequest } from './leadership-transfer.ts'
import { LearnerPromotion } from './learner-promotion.ts'
import type { PromotionRequest } from './learner-promotion.ts'
import { mayWaitForLink } from './link-patience.ts'
import { notReady } from './learner-readiness.ts'

/** An administrative request, as it travels to the leader. */
export type AdminRequest =
  | { readonly op: 'add-learner'; readonly nodeId: NodeId; readonly endpointId: string | null }
  | ({
      readonly op: 'change-membership'
      readonly members: readonly NodeId[]
      readonly learners: readonly NodeId[] | null
    } & MembershipCondition)
  | PromotionRequest
  | TransferRequest
  | { readonly op: 'raise-version'; readonly version: number }

/** How often a leader looks whether a learner is ready that is to be promoted by itself. */
const AUTO_PROMOTION_LOOK_MS = 1_000

interface Task {
  readonly request: AdminRequest
  readonly startedAt: number
  readonly deadline: number
  readonly reply: Reply<Configuration>
  /** Where the configuration proposed for it stands in the log, once it does. */
  proposed: LogId | null
  /** Leadership was handed over for it. */
  tried: boolean
  /** What it waits for, in case the deadline comes first. */
  obstacle: AspenError
}

type AdminCore =
  | 'id'
  | 'role'
  | 'leader'
  | 'membership'
  | 'membershipIndex'
  | 'lastLog'
  | 'termAt'
  | 'peer'
  | 'changeMembership'
  | 'transferring'
  | 'leaving'
  | 'transferLeadership'
type AdminContext = TurnContext<'schedule', AdminCore>
type AdminVersion = Pick<ClusterVersion, 'floor' | 'raise'>
type AdminPeers = Pick<Peers, 'knowledge' | 'isLinked'>

export interface AdminSettings {
  readonly timings: Timings
  /** Learners become voters by themselves when they are ready, one in a while. */
  readonly autoPromote: boolean
}

/**
 * Membership requests on the leader. Each is a task that is looked at whenever something moved, until it is done,
 * refused, or its deadline has passed; none of them holds anything up.
 */
export class MembershipAdmin {
  readonly #context: AdminContext
  readonly #engine: Pick<Engine, 'appliedIndex'>
  readonly #peers: AdminPeers
  readonly #version: AdminVersion
  readonly #promotion: LearnerPromotion
  readonly #transfer: LeadershipTransfer
  readonly #autoPromote: boolean
  #nextLook = 0
  #tasks: Task[] = []

  constructor(
    context: AdminContext,
    engine: Pick<Engine, 'appliedIndex'>,
    peers: AdminPeers,
    version: AdminVersion,
    { timings, autoPromote }: AdminSettings,
  ) {
    this.#context = context
    this.#engine = engine
    this.#peers = peers
    this.#version = version
    this.#promotion = new LearnerPromotion(context, peers, timings)
    this.#transfer = new LeadershipTransfer(context, peers, timings)
    this.#autoPromote = autoPromote
  }

  /** @throws AspenError OVERLOADED */
  submit(request: AdminRequest, deadline: number, reply: Reply<Configuration>): void {
    if (this.#tasks.length >= MAX_ADMIN_REQUESTS) {
      throw new AspenError('OVERLOADED', `${this.#tasks.length} membership requests are already waiting; try again`, {
        queue: 'admin',
      })
    }
    const startedAt = this.#context.clock.now()
    this.#tasks.push({ request, startedAt, deadline, reply, proposed: null, tried: false, obstacle: inProgress() })
    this.#context.loop.schedule()
  }

  /** Moves every task on as far as it goes now. */
  progress(now: number = this.#context.clock.now()): void {
    this.#promotion.follow(now)
    if (this.#tasks.length === 0) {
      if (this.#autoPromote && now >= this.#nextLook) this.#promoteReady(now)
      return
    }
    const tasks = this.#tasks
    // An answer may bring the next request at once.
    this.#tasks = []
    const unfinished = tasks.filter((task) => {
      const outcome = this.#advance(task, now)
      if (outcome === null) return true
      if (outcome instanceof Error) task.reply(outcome)
      else task.reply(undefined, outcome)
      return false
    })
    this.#tasks = [...unfinished, ...this.#tasks]
  }

  get busy(): boolean {
    return this.#tasks.length > 0
  }

  abandon(error: AspenError): void {
    for (const task of this.#tasks.splice(0)) task.reply(error)
  }

  #advance(task: Task, now: number): Configuration | AspenError | null {
    const { raft } = this.#context
    if (task.request.op === 'transfer-leadership') return this.#handOver(task, task.request, now)
    if (task.proposed !== null) return this.#outcome(task.proposed) ?? (now < task.deadline ? null : undecided())
    if (raft.role !== 'leader')
      return new AspenError('NOT_LEADER', 'this node does not lead any more; nothing was changed', { leader: raft.leader })
    // What is not committed may yet be undone: nothing is answered from it.
    if (raft.membershipIndex > this.#engine.appliedIndex) return now >= task.deadline ? task.obstacle : null
    const verdict = this.#begin(task, now)
    if (verdict !== null) return verdict
    return task.proposed === null && now >= task.deadline ? task.obstacle : null
  }

  #begin(task: Task, now: number): Configuration | AspenError | null {
    const { op } = task.request
    switch (op) {
      case 'add-learner':
        return this.#addLearner(task, now)
      case 'change-membership':
        return this.#changeMembership(task, now)
      case 'promote-learner':
        return this.#promoteLearner(task, now)
      case 'raise-version':
        return this.#raiseVersion(task, now)
      case 'transfer-leadership':
        return null
      default:
        return unreachable(op)
    }
  }

  /** What became of the proposal, once that is decided here, with everything that follows from it. */
  #outcome({ index, term }: LogId): Configuration | AspenError | null {
    const { raft } = this.#context
    const { appliedIndex } = this.#engine
    if (appliedIndex < index) return null
    const present = raft.termAt(index)
    if (present === undefined) return undecided()
    if (present !== term) {
      return new AspenError('NOT_APPLIED', 'leadership changed before the membership change was committed; send it again')
    }
    return !isJoint(raft.membership) && appliedIndex >= raft.membershipIndex ? this.#inForce : null
  }

  #addLearner(task: Task, now: number): Configuration | AspenError | null {
    const { raft } = this.#context
    if (task.request.op !== 'add-learner') return null
    const { nodeId, endpointId } = task.request
    const { membership } = raft
    const present = membership.members.find((member) => member.id === nodeId)
    if (present !== undefined) {
      const other = endpointId ?? this.#claimantInsteadOf(present)
      return other === undefined || other === present.endpointId ? this.#inForce : otherKey(present, other)
    }
    if (membership.learners.length >= MAX_LEARNERS)
      return new AspenError(
        'INVALID_REQUEST',
        `the cluster has ${MAX_LEARNERS} learners, and more are not allowed: remove one first`,
      )
    const member = bindMember(nodeId, endpointId, this.#peers.knowledge())
    if (member instanceof AspenError) {
      return mayStillLink(member, endpointId) && mayWaitForLink(task, now) ? null : member
    }
    const { floor } = this.#version
    if (floor === undefined) return null
    const speaks = this.#versionOf(member.endpointId)
    if (speaks < floor) return tooOld(nodeId, speaks, floor)
    const holder = membership.members.find((one) => one.endpointId === member.endpointId)
    if (holder !== undefined) {
      return new AspenError('NODE_AMBIGUOUS', `the key of node ${nodeId} is that of member ${holder.id}: a key has one id`, {
        endpoint_ids: [holder.endpointId],
      })
    }
    return this.#propose(task, { voters: membership.voters, learners: [...membership.learners, nodeId], newMembers: [member] })
  }

  get #inForce(): Configuration {
    const { membership, membershipIndex: index } = this.#context.raft
    return { membership, index }
  }

  /** Why a change that was meant for another configuration is not made. */
  #changedSince({ ifMembers, ifIndex }: MembershipCondition): AspenError | null {
    const { membership, membershipIndex: index } = this.#context.raft
    const { voters: members, learners } = membership
    if ((ifIndex ?? index) === index && sameIds(ifMembers ?? members, members)) return null
    const words = `the voters are ${members.join(', ')} by the configuration of entry ${index}, and not what the change was meant for: nothing was changed; look at them, and ask again`
    return new AspenError('MEMBERSHIP_CHANGED', words, { members, learners, index })
  }

  /** Whoever is linked under the id of a member whose own key is not. */
  #claimantInsteadOf({ id, endpointId }: Member): string | undefined {
    if (id === this.#context.raft.id) return undefined
    const claiming = [...this.#peers.knowledge().links].filter((peer) => peer.claims.nodeId === id)
    return claiming.some((peer) => peer.endpointId === endpointId) ? undefined : claiming[0]?.endpointId
  }

  #changeMembership(task: Task, now: number): Configuration | AspenError | null {
    const { raft } = this.#context
    if (task.request.op !== 'change-membership') return null
    const { membership } = raft
    // Halfway through a change nobody can say what it will have been.
    if (isJoint(membership)) return null
    const changed = this.#changedSince(task.request)
    if (changed !== null) return changed
    const voters = task.request.members
    const learners = task.request.learners ?? membership.learners
    if (voters.length > MAX_VOTERS)
      return new AspenError('INVALID_REQUEST', `${voters.length} voters: at most ${MAX_VOTERS} are allowed`)
    const stranger = [...voters, ...learners].find((id) => !membership.members.some((member) => member.id === id))
    if (stranger !== undefined) {
      return new AspenError('NODE_UNKNOWN', `node ${stranger} is not a member: add it with POST /add-learner first`, {
        node_id: stranger,
      })
    }
    const newVoters = voters.filter((id) => !membership.voters.includes(id))
    const unready = newVoters.map((id) => notReady(raft, this.#peers, id)).find((refusal) => refusal !== null)
    if (unready !== undefined) {
      task.obstacle = unready
      return now >= task.deadline ? unready : null
    }
    const target = { voters, learners, newMembers: [] }
    if (
      sameIds(voters, membership.voters) &&
      sameIds(
        learners.filter((id) => !voters.includes(id)),
        membership.learners,
      )
    ) {
      if (!isJoint(membership)) return this.#inForce
    }
    return this.#propose(task, target)
  }

  #promoteLearner(task: Task, now: number): Configuration | AspenError | null {
    const { raft } = this.#context
    if (task.request.op !== 'promote-learner' || isJoint(raft.membership)) return null
    const changed = this.#changedSince(task.request)
    if (changed !== null) return changed
    const target = this.#promotion.check(task.request, now)
    if (target === null) return this.#inForce
    if (target instanceof AspenError) {
      task.obstacle = target
      return target.code === 'LEARNER_NOT_READY' && !task.request.dryRun ? null : target
    }
    if (task.request.dryRun) return { membership: this.#promotion.outcome(target), index: raft.membershipIndex }
    return this.#propose(task, target)
  }

  /** Whoever leads promotes learners as they become ready; how often is a matter of the rules. */
  #promoteReady(now: number): void {
    const { raft, loop, logger } = this.#context
    this.#nextLook = now + AUTO_PROMOTION_LOOK_MS
    const { membership, membershipIndex } = raft
    if (raft.role !== 'leader' || raft.transferring || isJoint(membership) || membershipIndex > this.#engine.appliedIndex) return
    for (const nodeId of membership.learners) {
      const target = this.#promotion.check({ nodeId, force: false }, now)
      if (target === null || target instanceof AspenError) continue
      if (typeof raft.changeMembership(target) === 'string') return
      logger.log('info', 'a learner is ready, and becomes a voter', { nodeId, voters: target.voters })
      loop.schedule()
      return
    }
  }

  /** Looked at by whoever led when it was asked, also when that leads no more. */
  #handOver(task: Task, request: TransferRequest, now: number): Configuration | AspenError | null {
    const outcome = this.#transfer.advance(request, task.tried)
    if (outcome === 'done') return this.#inForce
    if (outcome === 'trying') task.tried = true
    if (outcome instanceof AspenError) {
      if (!isPassing(outcome) || now >= task.deadline) return outcome
      task.obstacle = outcome
      return null
    }
    if (now < task.deadline) return null
    return task.tried ? handingOver(request.nodeId) : task.obstacle
  }

  /** Answers with the membership, as every request does, once the version is in force here. */
  #raiseVersion(task: Task, now: number): Configuration | AspenError | null {
    if (task.request.op !== 'raise-version') return null
    const outcome = this.#version.raise(task.request.version)
    if (outcome === null) return this.#inForce
    if (outcome instanceof AspenError) {
      const mayLink = outcome.details['held_back_by'] !== undefined
      return mayLink && mayWaitForLink(task, now) ? null : outcome
    }
    if (outcome !== undefined) task.proposed = outcome
    return null
  }

  #versionOf(endpointId: string): number {
    for (const peer of this.#peers.knowledge().links) if (peer.endpointId === endpointId) return peer.claims.languageVersion
    return 0
  }

  #propose(task: Task, target: MembershipTarget): null {
    const outcome = this.#context.raft.changeMembership(target)
    if (typeof outcome === 'string') {
      task.obstacle = inProgress()
      return null
    }
    task.proposed = outcome
    this.#context.loop.schedule()
    return null
  }
}

function otherKey({ id, endpointId }: Member, other: string): AspenError {
  const words =
    `node ${id} is a member with key ${endpointId}, and this one has key ${other}: a member that lost its disk comes back with ` +
    'aspen-node rejoin; another node takes another id, or this one once the member is removed'
  return new AspenError('NODE_AMBIGUOUS', words, { endpoint_ids: [endpointId, other] })
}

function tooOld(nodeId: NodeId, speaks: number, needs: number): AspenError {
  return new AspenError(
    'CLUSTER_VERSION',
    `node ${nodeId} can apply versions up to ${speaks}, and the cluster is at version ${needs}: it was not added; run a later program there`,
    { node_id: nodeId, needs, language_version: speaks },
  )
}

function inProgress(): AspenError {
  return new AspenError('MEMBERSHIP_IN_PROGRESS', 'another membership change is not finished; try again')
}

function handingOver(to: NodeId): AspenError {
  return new AspenError(
    'OUTCOME_UNKNOWN',
    `leadership was being handed to node ${to} when time was up: GET /leader says who leads`,
  )
}

function undecided(): AspenError {
  return new AspenError('OUTCOME_UNKNOWN', 'the change was proposed, and it is not known whether it was committed')
}

function sameIds(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  const wanted = new Set(a)
  return wanted.size === new Set(b).size && b.every((id) => wanted.has(id))
}

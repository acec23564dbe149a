import { AspenError } from '../api/index.ts'
import { LEARNER_LAG_THRESHOLD, MAX_VOTERS } from '../limits.ts'
import type { LinkedPeer, PeerReport } from '../ports/index.ts'
import { isJoint } from '../raft/index.ts'
import type { Member, Membership, MembershipTarget, NodeId, Raft } from '../raft/index.ts'
import type { Reply } from './options.ts'

/** An administrative request, as it travels to the leader. */
export type AdminRequest =
  | { readonly op: 'add-learner'; readonly nodeId: NodeId; readonly endpointId: string | null }
  | { readonly op: 'change-membership'; readonly members: readonly NodeId[]; readonly learners: readonly NodeId[] | null }

/** How long a request waits for the link it needs before it says that there is none, in milliseconds. */
const LINK_PATIENCE_MS = 2_000

interface Task {
  readonly request: AdminRequest
  readonly startedAt: number
  readonly deadline: number
  readonly reply: Reply<Membership>
  /** The configuration proposed for it, once it is. */
  proposedAt: number | null
  /** What it waits for, in case the deadline comes first. */
  obstacle: AspenError
}

export interface MembershipAdminOptions {
  readonly raft: Raft
  readonly now: () => number
  readonly applied: () => number
  readonly links: () => Iterable<LinkedPeer>
  readonly reports: () => readonly PeerReport[]
  readonly nodeIdHint: (endpointId: string) => NodeId | null
  readonly isLinked: (id: NodeId) => boolean
  /** The core has been given something: a turn is due. */
  readonly changed: () => void
}

/** What is known of peers besides their links. */
export interface PeerKnowledge {
  readonly links: Iterable<LinkedPeer>
  readonly reports: readonly PeerReport[]
  readonly nodeIdHint: (endpointId: string) => NodeId | null
}

/** The one live link that claims `nodeId`: its key is what the configuration binds. Hearsay only explains why there is none. */
export function bindMember(nodeId: NodeId, endpointId: string | null, peers: PeerKnowledge): Member | AspenError {
  const claiming = [...peers.links].filter(
    (peer) => peer.claims.nodeId === nodeId && (endpointId === null || peer.endpointId === endpointId),
  )
  const [peer, second] = claiming
  if (peer === undefined) return noSuchPeer(nodeId, peers)
  if (second === undefined) return { id: nodeId, endpointId: peer.endpointId, addresses: [...peer.claims.addresses] }
  return new AspenError(
    'NODE_AMBIGUOUS',
    `${claiming.length} live peers claim node id ${nodeId}: choose one with "endpoint_id"`,
    { endpoint_ids: claiming.map((one) => one.endpointId) },
  )
}

function noSuchPeer(nodeId: NodeId, { reports, nodeIdHint }: PeerKnowledge): AspenError {
  const refused = reports.find(
    ({ endpointId, claims, lastError }) =>
      lastError?.startsWith('CLUSTER_MISMATCH') === true && (claims?.nodeId ?? nodeIdHint(endpointId)) === nodeId,
  )
  if (refused === undefined) {
    return new AspenError(
      'NODE_UNKNOWN',
      `no live peer claims node id ${nodeId}: start it, and make it known with --peers or POST /add-peer`,
      { node_id: nodeId },
    )
  }
  return new AspenError(
    'CLUSTER_MISMATCH',
    `node ${nodeId} belongs to another cluster: start it with an empty data directory to add it here`,
    { node_id: nodeId, endpoint_id: refused.endpointId },
  )
}

/**
 * Membership requests on the leader. Each is a task that is looked at whenever something moved, until it is done,
 * refused, or its deadline has passed; none of them holds anything up.
 */
export class MembershipAdmin {
  readonly #options: MembershipAdminOptions
  #tasks: Task[] = []

  constructor(options: MembershipAdminOptions) {
    this.#options = options
  }

  submit(request: AdminRequest, deadline: number, reply: Reply<Membership>): void {
    const obstacle = new AspenError('MEMBERSHIP_IN_PROGRESS', 'another membership change is not finished; try again')
    this.#tasks.push({ request, startedAt: this.#options.now(), deadline, reply, proposedAt: null, obstacle })
    this.#options.changed()
  }

  /** Moves every task on as far as it goes now. */
  progress(): void {
    if (this.#tasks.length === 0) return
    const now = this.#options.now()
    this.#tasks = this.#tasks.filter((task) => {
      const outcome = this.#advance(task, now)
      if (outcome === null) return true
      if (outcome instanceof Error) task.reply(outcome)
      else task.reply(undefined, outcome)
      return false
    })
  }

  get busy(): boolean {
    return this.#tasks.length > 0
  }

  abandon(error: AspenError): void {
    for (const task of this.#tasks.splice(0)) task.reply(error)
  }

  #advance(task: Task, now: number): Membership | AspenError | null {
    const { raft } = this.#options
    if (task.proposedAt !== null) {
      if (this.#settled(task)) return raft.membership
      if (now < task.deadline) return null
      return new AspenError('OUTCOME_UNKNOWN', 'the membership change was proposed but not committed before the deadline')
    }
    if (raft.role !== 'leader')
      return new AspenError('NOT_LEADER', 'this node does not lead any more; nothing was changed', { leader: raft.leader })
    const verdict = task.request.op === 'add-learner' ? this.#addLearner(task, now) : this.#changeMembership(task, now)
    if (verdict !== null) return verdict
    return task.proposedAt === null && now >= task.deadline ? task.obstacle : null
  }

  /** The change and everything that follows from it are applied here. */
  #settled(task: Task): boolean {
    const { raft, applied } = this.#options
    return !isJoint(raft.membership) && raft.membershipIndex >= (task.proposedAt ?? 0) && applied() >= raft.membershipIndex
  }

  #addLearner(task: Task, now: number): Membership | AspenError | null {
    const { raft, links, reports, nodeIdHint } = this.#options
    if (task.request.op !== 'add-learner') return null
    const { nodeId, endpointId } = task.request
    const { membership } = raft
    const present = membership.members.find((member) => member.id === nodeId)
    if (present !== undefined) {
      if (endpointId === null || endpointId === present.endpointId) return membership
      return new AspenError(
        'NODE_AMBIGUOUS',
        `node ${nodeId} is a member with key ${present.endpointId}: remove it before adding another`,
        {
          endpoint_ids: [present.endpointId, endpointId],
        },
      )
    }
    const member = bindMember(nodeId, endpointId, { links: links(), reports: reports(), nodeIdHint })
    if (member instanceof AspenError) {
      const patient = member.code === 'NODE_UNKNOWN' && now < Math.min(task.deadline, task.startedAt + LINK_PATIENCE_MS)
      return patient ? null : member
    }
    const holder = membership.members.find((one) => one.endpointId === member.endpointId)
    if (holder !== undefined) {
      return new AspenError('NODE_AMBIGUOUS', `the key of node ${nodeId} is that of member ${holder.id}: a key has one id`, {
        endpoint_ids: [holder.endpointId],
      })
    }
    return this.#propose(task, { voters: membership.voters, learners: [...membership.learners, nodeId], newMembers: [member] })
  }

  #changeMembership(task: Task, now: number): Membership | AspenError | null {
    const { raft } = this.#options
    if (task.request.op !== 'change-membership') return null
    const { membership } = raft
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
    const lagging = voters.find((id) => !membership.voters.includes(id) && !this.#caughtUp(id))
    if (lagging !== undefined) {
      const message = `node ${lagging} is not connected, or more than ${LEARNER_LAG_THRESHOLD} entries behind: nothing was changed; try again`
      task.obstacle = new AspenError('LEARNER_NOT_READY', message, { node_id: lagging })
      return now >= task.deadline ? task.obstacle : null
    }
    const target = { voters, learners, newMembers: [] }
    if (
      sameIds(voters, membership.voters) &&
      sameIds(
        learners.filter((id) => !voters.includes(id)),
        membership.learners,
      )
    ) {
      if (!isJoint(membership)) return membership
    }
    return this.#propose(task, target)
  }

  #caughtUp(id: NodeId): boolean {
    const { raft, isLinked } = this.#options
    if (id === raft.id) return true
    const peer = raft.peer(id)
    return peer !== undefined && isLinked(id) && peer.match >= raft.lastLog.index - LEARNER_LAG_THRESHOLD && peer.match > 0
  }

  #propose(task: Task, target: MembershipTarget): null {
    const outcome = this.#options.raft.changeMembership(target)
    if (typeof outcome === 'string') {
      task.obstacle = new AspenError('MEMBERSHIP_IN_PROGRESS', 'another membership change is not finished; try again')
      return null
    }
    task.proposedAt = outcome.index
    this.#options.changed()
    return null
  }
}

function sameIds(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  const wanted = new Set(a)
  return wanted.size === new Set(b).size && b.every((id) => wanted.has(id))
}

/**
 * Whoever looks after a simulated cluster: changes its members now and then, and replaces those that lost their disks.
 * The old member goes before its successor comes, as `aspen-node rejoin` does it; only when that one has everything does it vote.
 */
import { administration } from '../src/node/index.ts'
import { chance, pick } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { Membership } from '../src/raft/index.ts'
import type { AdminRequest } from '../src/replica/index.ts'
import type { SimCluster } from './cluster.ts'
import type { SimNode } from './sim-node.ts'
import { LEAST_REPLACEABLE } from './weather.ts'

const ADMIN_PATIENCE_MS = 1500
/** Beyond its deadline a request was lost with whom it was given to. */
const REQUEST_LOST_MS = 4500

export class Operator {
  readonly #cluster: SimCluster
  readonly #random: Random
  /** Those that lost their disks, and are not yet what they were. */
  readonly #strangers: SimNode[] = []
  /** When the request under way was sent; null when there is none. */
  #askedAt: number | null = null
  /** The founding configuration, with enough voters to lose one, ends here; null before it was seen. */
  #foundedAt: number | null = null

  constructor(cluster: SimCluster, random: Random) {
    this.#cluster = cluster
    this.#random = random
    cluster.onStranger = (node) => this.#strangers.push(node)
  }

  /** No member waits for its replacement. */
  get idle(): boolean {
    return this.#strangers.length === 0
  }

  /**
   * Whether the cluster can do without what this node remembers. One at a time is a minority of any configuration that
   * may be in force, for none with fewer than three voters is ever asked for where disks get lost.
   */
  mayForget(node: SimNode): boolean {
    const { leader, checker, nodes } = this.#cluster
    const view = leader?.replica?.view
    if (view === undefined || !this.idle || nodes.some(({ damaged }) => damaged)) return false
    if (view.membership.outgoing.length > 0 || view.membership.voters.length < LEAST_REPLACEABLE) return false
    // What made the founders voters must be committed: before that the first of them cannot be missed.
    this.#foundedAt ??= view.lastLog.index
    return checker.lastCommitted >= this.#foundedAt && view.membership.voters.includes(node.id)
  }

  /** Some change that nobody needs. */
  changeMembership(node: SimNode): void {
    const known = (this.#cluster.leader?.replica ?? node.replica)?.view.membership
    if (known === undefined || !this.idle) return
    const members = known.members.map(({ id }) => id)
    const stranger = this.#cluster.nodes.find(({ id }) => !members.includes(id))
    const fits = stranger !== undefined && (this.#isHasty() || this.#knowsTheKeys(stranger))
    if (fits && chance(this.#random, 0.6)) {
      this.#ask(node, { op: 'add-learner', nodeId: stranger.id, endpointId: null })
      return
    }
    const voters = members.filter(() => chance(this.#random, 0.7))
    if (voters.length < this.#fewestVoters()) return
    const learners = chance(this.#random, 0.5) ? null : []
    this.#ask(node, { op: 'change-membership', members: voters, learners })
  }

  /** Asks for another leader, at any node. */
  handOver(node: SimNode): void {
    const { leader, counters } = this.#cluster
    const others = leader?.replica?.view.membership.voters.filter((id) => id !== leader.id) ?? []
    if (others.length === 0) return
    this.#ask(node, { op: 'transfer-leadership', nodeId: pick(this.#random, others) }, (error) => {
      if (error === undefined) counters.leadershipsHandedOver++
    })
  }

  /** Takes the next step towards the replacement of a member that lost its disks. */
  progress(): void {
    const { leader, scheduler } = this.#cluster
    const [stranger] = this.#strangers
    if (stranger === undefined || leader === undefined || leader.replica === null) return
    if (this.#askedAt !== null && scheduler.now < this.#askedAt + REQUEST_LOST_MS) return
    const request = nextStep(leader.replica.view.membership, stranger)
    if (request === null) {
      this.#strangers.shift()
      this.#cluster.note(stranger, 'is a member again')
      this.#cluster.counters.membersReplaced++
      return
    }
    if (request === 'wait' || (request.op === 'add-learner' && !this.#removalIsKnown(leader, stranger))) return
    this.#askedAt = scheduler.now
    this.#ask(leader, request, () => {
      this.#askedAt = null
    })
  }

  /** Whether all members, the slowest too, know that the stranger's former self is gone; or nobody asks. */
  #removalIsKnown({ replica }: SimNode, stranger: SimNode): boolean {
    const members = replica?.view.membership.members.map(({ id }) => id) ?? []
    const others = this.#cluster.nodes.filter((node) => members.includes(node.id))
    return this.#isHasty() || others.every((node) => node.replica !== null && !names(node, stranger.id))
  }

  /** Whether a node that was a member before knows nobody under a key that was lost since. */
  #knowsTheKeys({ replica }: SimNode): boolean {
    const known = replica?.view.membership.members ?? []
    return known.every(({ id, endpointId }) =>
      this.#cluster.nodes.some((node) => node.id === id && node.endpointId === endpointId),
    )
  }

  #isHasty(): boolean {
    return chance(this.#random, this.#cluster.weather.hastyReplacement)
  }

  #ask(node: SimNode, request: AdminRequest, reply: (error: Error | undefined) => void = () => undefined): void {
    const { life } = node
    if (life === null) return
    const deadline = life.clock.now() + ADMIN_PATIENCE_MS
    life.after(0, () => node.send(administration(request, deadline, reply)))
  }

  #fewestVoters(): number {
    const { bitFlip, lostDisk } = this.#cluster.weather
    return bitFlip + lostDisk > 0 ? LEAST_REPLACEABLE : 1
  }
}

/** What takes a stranger nearer to being a voter; null when it is one. */
function nextStep(membership: Membership, { id, endpointId }: SimNode): AdminRequest | 'wait' | null {
  const { members, voters, learners, outgoing } = membership
  const member = members.find((one) => one.id === id)
  if (member === undefined) return { op: 'add-learner', nodeId: id, endpointId }
  if (member.endpointId !== endpointId) {
    const others = (ids: readonly number[]): number[] => ids.filter((one) => one !== id)
    return { op: 'change-membership', members: others(voters), learners: others(learners) }
  }
  if (!voters.includes(id)) return { op: 'change-membership', members: [...voters, id], learners: null }
  return outgoing.length > 0 ? 'wait' : null
}

/** Whether the configuration that a node knows has a member with this id. */
function names({ replica }: SimNode, id: number): boolean {
  return replica?.view.membership.members.some((member) => member.id === id) === true
}

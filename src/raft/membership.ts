/** Configurations and the majorities they ask for (thesis 4). */
import type { Member, Membership, NodeId } from './types.ts'

export const EMPTY_MEMBERSHIP: Membership = { voters: [], outgoing: [], learners: [], members: [] }

export function isJoint(membership: Membership): boolean {
  return membership.outgoing.length > 0
}

/** A voter of either half. */
export function isVoter(membership: Membership, id: NodeId): boolean {
  return membership.voters.includes(id) || membership.outgoing.includes(id)
}

/** A voter of either half under its own key: the same id with another key is somebody else, who had or will have it. */
export function isVoterAs(membership: Membership, id: NodeId, endpointId: string): boolean {
  if (!isVoter(membership, id)) return false
  for (const member of membership.members) if (member.id === id && member.endpointId === endpointId) return true
  return false
}

export function isMember(membership: Membership, id: NodeId): boolean {
  return membership.members.some((member) => member.id === id)
}

/** Everyone whose vote may count, each once. */
export function allVoters(membership: Membership): NodeId[] {
  return [...new Set([...membership.voters, ...membership.outgoing])]
}

function countReached(voters: readonly NodeId[], valueOf: (id: NodeId) => number, value: number): number {
  let count = 0
  for (const id of voters) if (valueOf(id) >= value) count++
  return count
}

/** The largest value that a majority of `voters` has reached; Infinity for an empty set, which holds nothing back. */
function majorityValue(voters: readonly NodeId[], valueOf: (id: NodeId) => number): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY
  const majority = Math.floor(voters.length / 2) + 1
  let reached = Number.NEGATIVE_INFINITY
  // There are few of them, and this runs with every answer of a peer: it makes no list of the values, to sort it.
  for (const id of voters) {
    const value = valueOf(id)
    if (value > reached && countReached(voters, valueOf, value) >= majority) reached = value
  }
  return reached
}

/** The largest value that every majority the configuration asks for has reached: commit index, confirmed round. */
export function quorumValue(membership: Membership, valueOf: (id: NodeId) => number): number {
  return Math.min(majorityValue(membership.voters, valueOf), majorityValue(membership.outgoing, valueOf))
}

export type VoteOutcome = 'won' | 'lost' | 'pending'

function majorityVote(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteOutcome {
  if (voters.length === 0) return 'won'
  const needed = Math.floor(voters.length / 2) + 1
  let granted = 0
  let refused = 0
  for (const id of voters) {
    const vote = votes.get(id)
    if (vote === true) granted++
    if (vote === false) refused++
  }
  if (granted >= needed) return 'won'
  return refused > voters.length - needed ? 'lost' : 'pending'
}

/** What the votes so far decide; in a joint configuration both halves must be won. */
export function voteOutcome(membership: Membership, votes: ReadonlyMap<NodeId, boolean>): VoteOutcome {
  const incoming = majorityVote(membership.voters, votes)
  const outgoing = majorityVote(membership.outgoing, votes)
  if (incoming === 'lost' || outgoing === 'lost') return 'lost'
  return incoming === 'won' && outgoing === 'won' ? 'won' : 'pending'
}

/** True when the nodes for which `isActive` holds include a quorum. */
export function hasQuorum(membership: Membership, isActive: (id: NodeId) => boolean): boolean {
  return quorumValue(membership, (id) => (isActive(id) ? 1 : 0)) >= 1
}

function sorted(ids: Iterable<NodeId>): NodeId[] {
  return [...new Set(ids)].sort((a, b) => a - b)
}

function compose(voters: NodeId[], outgoing: NodeId[], learners: NodeId[], known: readonly Member[]): Membership {
  const named = new Set([...voters, ...outgoing, ...learners])
  const members = known.filter((member) => named.has(member.id)).sort((a, b) => a.id - b.id)
  return { voters, outgoing, learners, members }
}

/** A configuration of these voters and nobody else. */
export function initialMembership(members: readonly Member[]): Membership {
  return compose(sorted(members.map((member) => member.id)), [], [], members)
}

/** What a change asks for: the voters and learners afterwards, and the members not yet known. */
export interface MembershipTarget {
  readonly voters: readonly NodeId[]
  readonly learners: readonly NodeId[]
  readonly newMembers: readonly Member[]
}

/**
 * The configuration to propose for `target`: joint when the voters change, else final at once (a change of
 * learners alone moves no quorum).
 */
export function proposedMembership(current: Membership, target: MembershipTarget): Membership {
  const voters = sorted(target.voters)
  const learners = sorted(target.learners).filter((id) => !voters.includes(id))
  const replaced = new Set(target.newMembers.map((member) => member.id))
  const known = [...current.members.filter((member) => !replaced.has(member.id)), ...target.newMembers]
  const unchanged = voters.length === current.voters.length && voters.every((id, i) => id === current.voters[i])
  return compose(voters, unchanged ? [] : [...current.voters], learners, known)
}

/** The configuration that follows a joint one. */
export function finalMembership(joint: Membership): Membership {
  return compose([...joint.voters], [], [...joint.learners], joint.members)
}

interface MembershipAt {
  readonly index: number
  readonly membership: Membership
}

/**
 * The configurations of the log, oldest first. The first is committed; a node acts under the last from the
 * moment it is in its log (paper 6), and truncation brings the one before it back.
 */
export class MembershipLog {
  #history: MembershipAt[]

  constructor(base: MembershipAt) {
    this.#history = [base]
  }

  get active(): Membership {
    return (this.#history.at(-1) as MembershipAt).membership
  }

  /** Where the newest committed configuration stands. */
  get baseIndex(): number {
    return (this.#history[0] as MembershipAt).index
  }

  /** The committed configuration and those after it, oldest first. */
  get history(): readonly MembershipAt[] {
    return this.#history
  }

  get activeIndex(): number {
    return (this.#history.at(-1) as MembershipAt).index
  }

  /** Whether this node votes under any configuration that may still decide: the committed one and those after it. */
  mayVote(id: NodeId, endpointId: string): boolean {
    return this.#history.some(({ membership }) => isVoterAs(membership, id, endpointId))
  }

  push(index: number, membership: Membership): void {
    this.#history.push({ index, membership })
  }

  /** Returns true when the active configuration was among what is gone. */
  truncateFrom(index: number): boolean {
    const before = this.#history.length
    while (this.#history.length > 1 && this.activeIndex >= index) this.#history.pop()
    return this.#history.length !== before
  }

  /** Forgets what the committed configuration has replaced. */
  commit(index: number): void {
    while (this.#history.length > 1 && (this.#history[1] as MembershipAt).index <= index) this.#history.shift()
  }

  reset(base: MembershipAt): void {
    this.#history = [base]
  }
}

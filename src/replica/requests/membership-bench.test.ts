/** A leader of which a test asks changes of the members, for the tests of this folder. It has no tests of its own. */
import assert from 'node:assert/strict'
import { Prng } from '../../lib/index.ts'
import type { LinkedPeer, PeerReport } from '../../ports/index.ts'
import { Raft } from '../../raft/index.ts'
import type { Membership, Message } from '../../raft/index.ts'
import { encodeMembership } from '../../wire/index.ts'
import type { Configuration } from '../../wire/index.ts'
import { handContext } from '../hand-context.test.ts'
import { Answers, keyOf, membershipOf } from '../hand-driven-stores.test.ts'
import type { PeerKnowledge } from '../peers/index.ts'
import { MembershipAdmin } from './membership-admin.ts'
import type { AdminRequest } from './membership-admin.ts'

const INCARNATION = 7
export const OTHER_KEY = 'e'.repeat(64)
export const timings = { heartbeatIntervalMs: 10_000, electionTimeoutMinMs: 100_000, electionTimeoutMaxMs: 200_000 }
export const FOREVER = 90_000

export const link = (key: string, nodeId: number, clusterId: string | null = null): LinkedPeer => ({
  endpointId: key,
  claims: { nodeId, clusterId, addresses: [`127.0.0.1:${26_000 + nodeId}`], languageVersion: 1 },
})
export const add = (nodeId: number, endpointId: string | null = null): AdminRequest => ({ op: 'add-learner', nodeId, endpointId })
export const change = (members: readonly number[], learners: readonly number[] | null = null): AdminRequest => ({
  op: 'change-membership',
  members,
  learners,
})

/** Node 1 with a real consensus core; the other members answer when the test says so. */
export class Bench {
  now = 0
  appliedIndex = 1
  turns = 0
  readonly links: LinkedPeer[] = []
  readonly reports: PeerReport[] = []
  readonly linkedIds = new Set<number>()
  readonly answers = new Answers<Configuration>()
  readonly raft: Raft
  readonly admin: MembershipAdmin

  constructor(membership: Membership = membershipOf([1]), autoPromote = false) {
    const options = { id: 1, endpointId: keyOf(1), timings, random: new Prng(1), incarnation: INCARNATION, encodeMembership }
    const restored = {
      term: 1,
      votedFor: null,
      purged: { term: 0, index: 0 },
      entries: [{ term: 1, size: 1 }],
      memberships: [{ index: 1, membership }],
      applied: 1,
    }
    this.raft = new Raft(options, restored, 0)
    const loop = { schedule: () => void this.turns++ }
    const context = handContext({ loop, raft: this.raft, clock: { now: () => this.now } })
    this.admin = new MembershipAdmin(context, this, this, { floor: 1, raise: () => null }, { timings, autoPromote })
  }

  knowledge(): PeerKnowledge {
    const nodeIdHint = (endpointId: string): number | null => (endpointId === OTHER_KEY ? 5 : null)
    return { links: this.links, reports: this.reports, nodeIdHint, clusterId: 'c1' }
  }

  isLinked(id: number): boolean {
    return this.linkedIds.has(id)
  }

  /** Leads, with the entry of its term committed. */
  lead(): this {
    const { electionTimeoutMaxMs } = timings
    this.raft.tick(electionTimeoutMaxMs)
    this.turn()
    for (const preVote of [true, false]) {
      if (this.raft.role === 'leader') break
      this.raft.step({ type: 'vote-response', from: 2, to: 1, term: 2, preVote, granted: true })
      this.turn()
    }
    assert.equal(this.raft.role, 'leader')
    if (this.raft.commitIndex < this.raft.lastLog.index) this.ack(2)
    assert.equal(this.raft.commitIndex, this.raft.lastLog.index)
    return this
  }

  /** Carries out what the core asks for, and looks at the requests. */
  turn(): void {
    for (let effects = this.raft.take(); effects !== undefined; effects = this.raft.take()) {
      if (effects.persist !== undefined) this.raft.persisted(effects.id)
      this.appliedIndex = effects.apply?.last ?? this.appliedIndex
    }
    this.admin.progress()
  }

  /** `from` has everything that is in the log, or so much of it. */
  ack(from: number, match: number = this.raft.lastLog.index): void {
    this.linkedIds.add(from)
    this.step({ type: 'append-response', from, success: true, match, rejected: 0, hint: { term: 0, index: 0 }, round: 0 })
    this.turn()
  }

  /** A leader of a later term speaks; its log begins behind `prev`. */
  depose(prev: number, entries: readonly Membership[], commit: number = prev + entries.length): void {
    const common = { from: 2, to: 1, term: 9, incarnation: 3, round: 0 }
    const first = prev + 1
    this.raft.step({
      type: 'append',
      ...common,
      prev: { term: this.raft.termAt(prev) as number, index: prev },
      count: entries.length,
      entries: entries.map((membership, i) => ({
        index: first + i,
        term: 9,
        kind: 'membership',
        payload: encodeMembership(membership),
        membership,
      })),
      commit,
    })
    this.turn()
  }

  submit(name: string, request: AdminRequest, deadline = FOREVER): void {
    this.admin.submit(request, deadline, this.answers.reply(name))
    this.turn()
  }

  at(now: number): void {
    this.now = now
    this.turn()
  }

  /** So much time passes for those who wait and for the core, since it leads. */
  tick(ms: number): void {
    this.now = ms
    this.raft.tick(timings.electionTimeoutMaxMs + ms)
    this.turn()
  }

  get last(): Membership | undefined {
    return this.answers.values.at(-1)?.membership
  }

  #message(parts: object): Message {
    return { to: 1, term: this.raft.term, incarnation: INCARNATION, ...parts } as Message
  }

  step(parts: object): void {
    this.raft.step(this.#message(parts))
  }
}

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Prng } from '../lib/index.ts'
import { becomeFollower, campaign, ownVoteDurable } from './election.ts'
import { checkInvariants, checkThoroughly } from './invariants.ts'
import { initialMembership } from './membership.ts'
import { Progress } from './progress.ts'
import { RaftState } from './state.ts'
import type { Member, Membership, NodeId } from './types.ts'

const keyOf = (id: NodeId): string => String(id).padStart(64, '0')
const member = (id: NodeId): Member => ({ id, endpointId: keyOf(id), addresses: [] })
const MEMBERSHIP = initialMembership([member(1), member(2), member(3)])
const TIMINGS = { heartbeatIntervalMs: 20, electionTimeoutMinMs: 60, electionTimeoutMaxMs: 120 }

/** A follower of term 2 with three entries, two of them committed and applied. */
function follower(membership: Membership = MEMBERSHIP): RaftState {
  const encodeMembership = (): Uint8Array => new Uint8Array(1)
  return new RaftState(
    { id: 1, endpointId: keyOf(1), timings: TIMINGS, random: new Prng(1), incarnation: 1, encodeMembership },
    {
      term: 2,
      votedFor: null,
      purged: { term: 0, index: 0 },
      entries: [1, 2, 2].map((term) => ({ term, size: 1 })),
      memberships: [{ index: 1, membership }],
      applied: 2,
    },
  )
}

/** Its campaign in term 3 is durable, and `granted` voted for it. */
function candidate(granted: readonly NodeId[] = []): RaftState {
  const state = follower()
  campaign(state, false)
  state.stage.take(state.log.lastIndex)
  state.stage.complete(1)
  state.durableTerm = 3
  for (const id of granted) state.votes.set(id, true)
  ownVoteDurable(state)
  return state
}

const leader = (): RaftState => candidate([2])

/** One breach for each assertion: the state is sound, then this is done to it, and the invariants say so in these words. */
const BREACHES: readonly {
  readonly says: RegExp
  readonly state: () => RaftState
  readonly breach: (state: RaftState) => void
  /** Seen in production too, not only where all is checked. */
  readonly always?: true
}[] = [
  { says: /purged to 3/, state: follower, breach: (state) => state.log.purge(3), always: true },
  { says: /entry 3 was handed out for apply; the commit/, state: follower, breach: (s) => void (s.handedOut = 3), always: true },
  { says: /entry 2 was handed out for apply; durable/, state: follower, breach: (s) => void (s.persisted = 1), always: true },
  { says: /commit index 4 lies after/, state: follower, breach: (s) => void (s.commit = 4), always: true },
  { says: /durable up to 4; it ends at 3/, state: follower, breach: (s) => void (s.persisted = 4), always: true },
  { says: /agree with the leader's up to 4/, state: follower, breach: (s) => void (s.verified = 4), always: true },
  {
    says: /the term is 1; the log ends in term 2/,
    state: follower,
    breach: (s) => void (s.term = s.durableTerm = 1),
    always: true,
  },
  { says: /term 3 counts as durable/, state: follower, breach: (s) => void (s.durableTerm = 3), always: true },
  { says: /follows itself/, state: follower, breach: (s) => void (s.leader = 1), always: true },
  {
    says: /hands over a leadership/,
    state: follower,
    breach: (s) => void (s.transfer = { target: 2, deadline: 0, asked: false }),
    always: true,
  },
  {
    says: /keeps the progress of 1 peers/,
    state: follower,
    breach: (s) => void s.progress.set(2, new Progress(1, 0)),
    always: true,
  },
  { says: /node 1 leads, and takes node 2/, state: leader, breach: (s) => void (s.leader = 2), always: true },
  { says: /term 3 is led and not durable/, state: leader, breach: (s) => void (s.durableTerm = 2), always: true },
  { says: /still counts votes/, state: leader, breach: (s) => void s.votes.set(2, true), always: true },
  {
    says: /counts itself among its peers/,
    state: leader,
    breach: (s) => void s.progress.set(1, new Progress(1, 0)),
    always: true,
  },
  {
    says: /hold entry 2 and is sent entry 2/,
    state: leader,
    breach: (s) => void Object.assign(s.progress.get(2) ?? {}, { match: 2, next: 2 }),
  },
  {
    says: /believed to hold entry 9/,
    state: leader,
    breach: (s) => void Object.assign(s.progress.get(2) ?? {}, { match: 9, next: 10 }),
  },
  { says: /to be sent entry 9/, state: leader, breach: (s) => void Object.assign(s.progress.get(2) ?? {}, { next: 9 }) },
  { says: /has echoed round 1/, state: leader, breach: (s) => void Object.assign(s.progress.get(2) ?? {}, { ackedRound: 1 }) },
  { says: /was sent round 1/, state: leader, breach: (s) => void Object.assign(s.progress.get(2) ?? {}, { sentRound: 1 }) },
  { says: /belongs to no configuration/, state: leader, breach: (s) => void s.progress.set(9, new Progress(1, 0)) },
  { says: /entry 4 is not on disk yet/, state: leader, breach: (s) => void (s.persisted = 4) },
  { says: /neither durable nor on its way/, state: follower, breach: (s) => void (s.term = 3) },
  {
    says: /configuration 3 is taken for committed/,
    state: follower,
    breach: (s) => s.memberships.reset({ index: 3, membership: MEMBERSHIP }),
  },
  { says: /configuration 7 is in force/, state: follower, breach: (s) => s.memberships.push(7, MEMBERSHIP) },
  { says: /configuration 1 follows configuration 1/, state: follower, breach: (s) => s.memberships.push(1, MEMBERSHIP) },
  { says: /without a key/, state: follower, breach: (s) => s.memberships.push(3, { ...MEMBERSHIP, learners: [9] }) },
  {
    says: /names a member twice/,
    state: follower,
    breach: (s) => s.memberships.push(3, { ...MEMBERSHIP, members: [...MEMBERSHIP.members, member(3)] }),
  },
  { says: /members and no voter/, state: follower, breach: (s) => s.memberships.push(3, { ...MEMBERSHIP, voters: [] }) },
  { says: /a learner votes/, state: follower, breach: (s) => s.memberships.push(3, { ...MEMBERSHIP, learners: [2] }) },
  { says: /candidate 1 of term 3 has voted for 2/, state: candidate, breach: (s) => void (s.votedFor = 2) },
  {
    says: /before it is durable/,
    state: candidate,
    breach: (s) => {
      s.setTerm(4, 1)
    },
  },
  { says: /a follower counts votes/, state: follower, breach: (s) => void s.votes.set(2, true) },
  {
    says: /has read rounds open/,
    state: follower,
    breach: (s) => {
      s.rounds.join()
      s.rounds.openRound(1)
    },
  },
  {
    says: /would answer at entry 4/,
    state: leader,
    breach: (s) => {
      s.rounds.join()
      s.rounds.openRound(4)
    },
  },
]

describe('checkThoroughly', () => {
  for (const [name, state] of Object.entries({ follower, candidate, leader })) {
    test(`checkThoroughly: finds nothing in a sound ${name}`, () => checkThoroughly(state()))
  }
  for (const { says, state, breach, always } of BREACHES) {
    test(`checkThoroughly: notices ${says.source}`, () => {
      const broken = state()
      breach(broken)
      assert.throws(() => checkThoroughly(broken), says)
      if (always) assert.throws(() => checkInvariants(broken), says)
    })
  }
})

describe('RaftState', () => {
  test('RaftState: one term has one leader, also when the first has fallen silent', () => {
    const state = follower()
    becomeFollower(state, 3, 2)
    becomeFollower(state, 3, null)
    becomeFollower(state, 3, 2)
    assert.throws(() => becomeFollower(state, 3, 3), /nodes 2 and 3 both lead term 3/)
    becomeFollower(state, 4, 3)
    assert.equal(state.leader, 3)
  })

  test('RaftState: a batch leaves with every entry of the log that the disk was not told of', () => {
    const gap = follower()
    gap.log.append(2, 1)
    assert.throws(() => gap.stage.take(gap.log.lastIndex), /the log ends at 4; the disk is told of entries up to 3/)
    const hole = follower()
    hole.log.append(2, 1)
    hole.appendEntry('noop', new Uint8Array(0))
    assert.throws(() => hole.stage.take(hole.log.lastIndex), /entry 5 is to be appended; the disk was told of entries up to 3/)
  })
})

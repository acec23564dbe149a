/** Courses of events around changes of membership that once went wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../lib/index.ts'
import type { LinkedPeer } from '../../ports/index.ts'
import { Raft } from '../../raft/index.ts'
import { encodeMembership } from '../../wire/index.ts'
import { handContext } from '../hand-context.test.ts'
import { Answers, keyOf, membershipOf } from '../hand-driven-stores.test.ts'
import { MembershipAdmin } from './membership-admin.ts'

const nop = (): void => undefined

function core(): { raft: Raft; admin: MembershipAdmin; turn: () => void; links: LinkedPeer[] } {
  const timings = { heartbeatIntervalMs: 10_000, electionTimeoutMinMs: 100_000, electionTimeoutMaxMs: 200_000 }
  const raft = new Raft(
    { id: 1, endpointId: keyOf(1), timings, random: new Prng(1), incarnation: 7, encodeMembership },
    {
      term: 1,
      votedFor: null,
      purged: { term: 0, index: 0 },
      entries: [{ term: 1, size: 1 }],
      memberships: [{ index: 1, membership: membershipOf([1, 2]) }],
      applied: 1,
    },
    0,
  )
  const engine = { appliedIndex: 1 }
  const links: LinkedPeer[] = []
  const admin = new MembershipAdmin(
    handContext({ loop: { schedule: nop }, raft }),
    engine,
    {
      knowledge: () => ({ links, reports: [], nodeIdHint: () => null, clusterId: 'c1' }),
      isLinked: () => true,
    },
    { floor: 1, raise: () => null },
    { timings, autoPromote: false },
  )
  const turn = (): void => {
    for (let e = raft.take(); e !== undefined; e = raft.take()) {
      if (e.persist !== undefined) raft.persisted(e.id)
      engine.appliedIndex = e.apply?.last ?? engine.appliedIndex
    }
    admin.progress()
  }
  raft.tick(200_000)
  turn()
  for (const preVote of [true, false]) {
    raft.step({ type: 'vote-response', from: 2, to: 1, term: 2, preVote, granted: true })
    turn()
  }
  raft.step({
    type: 'append-response',
    from: 2,
    to: 1,
    term: 2,
    success: true,
    match: raft.lastLog.index,
    rejected: 0,
    hint: { term: 0, index: 0 },
    incarnation: 7,
    round: 0,
  })
  turn()
  assert.equal(raft.role, 'leader')
  return { raft, admin, turn, links }
}

test('MembershipAdmin: add-learner again, while the first is not committed, is not answered with success', () => {
  const { admin, turn, links } = core()
  links.push({ endpointId: keyOf(3), claims: { nodeId: 3, clusterId: null, addresses: [], languageVersion: 1 } })
  const answers = new Answers<unknown>()
  admin.submit({ op: 'add-learner', nodeId: 3, endpointId: null }, 9e9, answers.reply('first'))
  turn()
  admin.submit({ op: 'add-learner', nodeId: 3, endpointId: null }, 9e9, answers.reply('second'))
  turn()
  assert.deepEqual(answers.outcomes, [])
})

test('MembershipAdmin: a change to a configuration that is not committed is not answered with success', () => {
  const { raft, admin, turn, links } = core()
  links.push({ endpointId: keyOf(3), claims: { nodeId: 3, clusterId: null, addresses: [], languageVersion: 1 } })
  const answers = new Answers<unknown>()
  admin.submit({ op: 'add-learner', nodeId: 3, endpointId: null }, 9e9, answers.reply('first'))
  turn()
  admin.submit({ op: 'change-membership', members: [1, 2], learners: [3] }, 9e9, answers.reply('second'))
  turn()
  assert.deepEqual(answers.outcomes, [])
  assert.ok(raft.commitIndex < raft.membershipIndex)
})

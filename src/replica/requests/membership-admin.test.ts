import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AspenError } from '../../api/index.ts'
import { LEARNER_LAG_THRESHOLD, MAX_ADMIN_REQUESTS, MAX_LEARNERS, MAX_VOTERS } from '../../limits.ts'
import type { LinkedPeer, PeerReport } from '../../ports/index.ts'
import { keyOf, membershipOf } from '../hand-driven-stores.test.ts'
import { bindMember } from '../peers/index.ts'
import type { AdminRequest } from './membership-admin.ts'

import { add, Bench, change, FOREVER, link, OTHER_KEY, timings } from './membership-bench.test.ts'

describe('bindMember', () => {
  const peers = (links: LinkedPeer[], reports: PeerReport[] = []): Parameters<typeof bindMember>[2] => ({
    links,
    reports,
    nodeIdHint: (endpointId) => (endpointId === OTHER_KEY ? 5 : null),
    clusterId: 'c1',
  })
  const code = (outcome: ReturnType<typeof bindMember>): unknown => ('code' in outcome ? outcome.code : outcome)
  const refused = (nodeId: number | null, lastError: string): PeerReport => ({
    endpointId: OTHER_KEY,
    state: 'waiting',
    claims: nodeId === null ? null : link(OTHER_KEY, nodeId).claims,
    lastError,
    path: null,
  })

  test('bindMember: binds the key of the one live link that claims the id', () => {
    const member = bindMember(2, null, peers([link(keyOf(2), 2), link(keyOf(3), 3)]))
    assert.deepEqual(member, { id: 2, endpointId: keyOf(2), addresses: ['127.0.0.1:26002'] })
  })

  test('bindMember: refuses when two claim it, unless one is chosen', () => {
    const both = peers([link(keyOf(2), 2), link(OTHER_KEY, 2)])
    const outcome = bindMember(2, null, both)
    assert.equal(code(outcome), 'NODE_AMBIGUOUS')
    assert.deepEqual('details' in outcome && outcome.details['endpoint_ids'], [keyOf(2), OTHER_KEY])
    assert.equal((bindMember(2, OTHER_KEY, both) as { endpointId: string }).endpointId, OTHER_KEY)
    assert.equal(code(bindMember(2, 'd'.repeat(64), both)), 'NODE_UNKNOWN')
  })

  test('bindMember: a peer of another cluster is no candidate beside one of this or of none', () => {
    const links = [link(OTHER_KEY, 2, 'c2'), link(keyOf(2), 2), link('d'.repeat(64), 2, 'c3')]
    assert.equal((bindMember(2, null, peers(links)) as { endpointId: string }).endpointId, keyOf(2))
    assert.equal(code(bindMember(2, OTHER_KEY, peers(links))), 'CLUSTER_MISMATCH')
    const ambiguous = bindMember(2, null, peers([...links, link(keyOf(3), 2, 'c1')]))
    assert.deepEqual('details' in ambiguous && ambiguous.details['endpoint_ids'], [keyOf(2), keyOf(3)])
  })

  test('bindMember: of a node that nobody knows it says by what it was looked for', () => {
    const sources = [
      { source: 'gossip', detail: 'of 3 peers', lastError: null },
      { source: 'mdns', detail: 'on eth0', lastError: 'ENODEV: no such device' },
    ].map((one) => ({ ...one, peers: 3 }))
    const unknown = bindMember(2, null, { ...peers([]), sources: { views: () => sources } }) as AspenError
    assert.match(unknown.message, /It was looked for through gossip, mdns \(ENODEV: no such device\)$/)
    assert.deepEqual(unknown.details, {
      node_id: 2,
      sources: [
        { source: 'gossip', detail: 'of 3 peers', last_error: null },
        { source: 'mdns', detail: 'on eth0', last_error: 'ENODEV: no such device' },
      ],
    })
  })

  test('bindMember: refuses a peer of another cluster, linked or refused, and takes one of none or of this', () => {
    assert.equal(code(bindMember(2, null, peers([link(keyOf(2), 2, 'c2')]))), 'CLUSTER_MISMATCH')
    for (const own of [null, 'c1']) assert.equal('id' in bindMember(2, null, peers([link(keyOf(2), 2, own)])), true)
    assert.equal(code(bindMember(5, null, peers([], [refused(5, 'CLUSTER_MISMATCH: no')]))), 'CLUSTER_MISMATCH')
    assert.equal(code(bindMember(5, null, peers([], [refused(null, 'CLUSTER_MISMATCH: no')]))), 'CLUSTER_MISMATCH')
    assert.equal(code(bindMember(5, null, peers([], [refused(5, 'ECONNREFUSED: no')]))), 'NODE_UNKNOWN')
    assert.equal(code(bindMember(6, null, peers([], [refused(5, 'CLUSTER_MISMATCH: no')]))), 'NODE_UNKNOWN')
    assert.equal(code(bindMember(5, keyOf(5), peers([], [refused(5, 'CLUSTER_MISMATCH: no')]))), 'NODE_UNKNOWN')
  })
})

describe('MembershipAdmin: add-learner', () => {
  test('add-learner: adds the linked peer, and answers once that is applied', () => {
    const bench = new Bench().lead()
    bench.links.push(link(keyOf(2), 2))
    bench.submit('add', add(2))
    assert.deepEqual(bench.answers.outcomes, [], 'it is proposed')
    bench.turn()
    assert.deepEqual(bench.answers.outcomes, ['add: ok'])
    assert.deepEqual([bench.last?.voters, bench.last?.learners], [[1], [2]])
    assert.equal(bench.last?.members[1]?.endpointId, keyOf(2))
    assert.equal(bench.admin.busy, false)
    assert.ok(bench.turns >= 2, 'a turn is asked for at the request, and at the proposal')
  })

  test('add-learner: a member is added already, under its own key only', () => {
    const bench = new Bench(membershipOf([1], [2])).lead()
    const before = bench.raft.lastLog.index
    bench.submit('again', add(2))
    bench.submit('same key', add(2, keyOf(2)))
    bench.submit('other key', add(2, OTHER_KEY))
    assert.deepEqual(bench.answers.outcomes, ['again: ok', 'same key: ok', 'other key: NODE_AMBIGUOUS'])
    bench.links.push(link(OTHER_KEY, 2))
    bench.submit('a node that lost its disk', add(2))
    bench.links.push(link(keyOf(2), 2))
    bench.submit('the member is here', add(2))
    bench.submit('itself', add(1))
    assert.deepEqual(bench.answers.outcomes.slice(3), [
      'a node that lost its disk: NODE_AMBIGUOUS',
      'the member is here: ok',
      'itself: ok',
    ])
    assert.equal(bench.raft.lastLog.index, before)
  })

  test('add-learner: is refused where there are as many learners as a change may name', () => {
    const learners = Array.from({ length: MAX_LEARNERS }, (_, i) => i + 10)
    const bench = new Bench(membershipOf([1], learners)).lead()
    bench.links.push(link(OTHER_KEY, 5))
    const last = bench.raft.lastLog.index
    bench.submit('one more', add(5))
    bench.submit('one of them', add(10))
    assert.deepEqual(bench.answers.outcomes, ['one more: INVALID_REQUEST', 'one of them: ok'])
    assert.equal(bench.raft.lastLog.index, last)
  })

  test('add-learner: a key that is a member under another id is refused', () => {
    const bench = new Bench(membershipOf([1], [2])).lead()
    bench.links.push(link(keyOf(2), 5))
    bench.submit('add', add(5))
    assert.deepEqual([bench.answers.outcomes, bench.raft.membership], [['add: NODE_AMBIGUOUS'], membershipOf([1], [2])])
  })

  test('add-learner: waits a while for a link, and takes it when it comes', () => {
    const bench = new Bench().lead()
    bench.submit('add', add(2), 5_000)
    // One of another cluster that has its id is not what was asked for.
    bench.links.push(link(OTHER_KEY, 2, 'c2'))
    bench.at(3_999)
    assert.deepEqual(bench.answers.outcomes, [])
    bench.links.push(link(keyOf(2), 2))
    bench.turn()
    bench.turn()
    assert.deepEqual(bench.answers.outcomes, ['add: ok'])
    assert.equal(bench.last?.members[1]?.endpointId, keyOf(2))
  })

  test('add-learner: is refused when no link comes, in time for whoever handed it over', () => {
    const bench = new Bench().lead()
    bench.submit('patient', add(2), 5_000)
    bench.submit('hurried', add(3), 500)
    bench.at(399)
    assert.deepEqual(bench.answers.outcomes, [])
    bench.at(400)
    assert.deepEqual(bench.answers.outcomes, ['hurried: NODE_UNKNOWN'])
    bench.at(3_999)
    assert.deepEqual(bench.answers.outcomes.length, 1)
    bench.at(4_000)
    assert.deepEqual(bench.answers.outcomes.slice(1), ['patient: NODE_UNKNOWN'])
  })

  test('add-learner: while one waits for a link, other changes are made', () => {
    const bench = new Bench(membershipOf([1], [4])).lead()
    bench.submit('nobody', add(2))
    bench.links.push(link(keyOf(3), 3))
    bench.submit('add', add(3))
    bench.turn()
    bench.submit('change', change([1], [3]))
    bench.turn()
    assert.deepEqual(bench.answers.outcomes, ['add: ok', 'change: ok'])
    assert.equal(bench.admin.busy, true)
  })

  test('add-learner: what more time does not cure is refused at once', () => {
    const bench = new Bench().lead()
    bench.links.push(link(keyOf(2), 2), link(OTHER_KEY, 2), link(keyOf(3), 3, 'c2'))
    bench.submit('two', add(2))
    bench.submit('foreign', add(3, keyOf(3)))
    assert.deepEqual(bench.answers.outcomes, ['two: NODE_AMBIGUOUS', 'foreign: CLUSTER_MISMATCH'])
    assert.deepEqual(bench.raft.membership, membershipOf([1]))
  })
})

describe('MembershipAdmin: change-membership', () => {
  test('change-membership: makes a learner a voter that is linked and near the end of the log', () => {
    const bench = new Bench(membershipOf([1], [2])).lead()
    bench.ack(2)
    bench.submit('change', change([1, 2]))
    bench.turn()
    assert.deepEqual(bench.answers.outcomes, [], 'the joint configuration needs both')
    bench.ack(2)
    bench.ack(2)
    bench.turn()
    assert.deepEqual(bench.answers.outcomes, ['change: ok'])
    assert.deepEqual(bench.last, membershipOf([1, 2]))
  })

  test('change-membership: waits until the new voter is linked and has caught up', () => {
    const bench = new Bench(membershipOf([1], [2])).lead()
    for (let i = 0; i < LEARNER_LAG_THRESHOLD + 5; i++) bench.raft.propose(new Uint8Array(1))
    bench.turn()
    const last = bench.raft.lastLog.index
    bench.ack(2, last - LEARNER_LAG_THRESHOLD - 1)
    bench.submit('change', change([1, 2]))
    bench.linkedIds.delete(2)
    bench.turn()
    assert.equal(bench.raft.lastLog.index, last, 'nothing is proposed for one that lags')
    bench.ack(2, last - LEARNER_LAG_THRESHOLD)
    assert.equal(bench.raft.lastLog.index, last + 1)
  })

  test('change-membership: a learner that is always behind under load is ready while its rounds are short', () => {
    for (const roundMs of [timings.electionTimeoutMinMs - 1, timings.electionTimeoutMinMs]) {
      const bench = new Bench(membershipOf([1], [2])).lead()
      const write = (count: number): void => {
        for (let i = 0; i < count; i++) bench.raft.propose(new Uint8Array(1))
        bench.turn()
      }
      const { index: first } = bench.raft.lastLog
      write(LEARNER_LAG_THRESHOLD * 2)
      bench.ack(2, first)
      const { index: goal } = bench.raft.lastLog
      write(LEARNER_LAG_THRESHOLD * 2)
      bench.submit('change', change([1, 2]), roundMs + 10)
      bench.tick(roundMs)
      bench.ack(2, goal)
      const isReady = roundMs < timings.electionTimeoutMinMs
      const { index: last } = bench.raft.lastLog
      assert.equal(last - goal, LEARNER_LAG_THRESHOLD * 2 + (isReady ? 1 : 0))
      bench.tick(roundMs + 10)
      const lag = LEARNER_LAG_THRESHOLD * 2
      const details = { node_id: 2, connected: true, lag, last_round_ms: roundMs }
      assert.deepEqual(bench.answers.outcomes, [isReady ? 'change: OUTCOME_UNKNOWN' : 'change: LEARNER_NOT_READY'])
      if (!isReady) assert.deepEqual((bench.answers.errors[0] as AspenError).details, details)
    }
  })

  test('change-membership: a learner whose last round was short, and which stands still since, is not ready', () => {
    const bench = new Bench(membershipOf([1], [2])).lead()
    for (let i = 0; i < LEARNER_LAG_THRESHOLD * 2; i++) bench.raft.propose(new Uint8Array(1))
    bench.turn()
    bench.ack(2, 1)
    bench.ack(2)
    assert.ok(bench.raft.peer(2)?.keepsUp)
    for (let i = 0; i < LEARNER_LAG_THRESHOLD * 2; i++) bench.raft.propose(new Uint8Array(1))
    bench.turn()
    bench.ack(2, bench.raft.lastLog.index - LEARNER_LAG_THRESHOLD - 1)
    assert.ok(bench.raft.peer(2)?.keepsUp)
    bench.tick(timings.electionTimeoutMinMs)
    assert.equal(bench.raft.peer(2)?.keepsUp, false)
  })

  test('change-membership: a voter that does not catch up before the deadline is the reason', () => {
    for (const linked of [true, false]) {
      const bench = new Bench(membershipOf([1], [2])).lead()
      if (!linked) bench.ack(2)
      bench.linkedIds.clear()
      if (linked) bench.linkedIds.add(2)
      const last = bench.raft.lastLog.index
      bench.submit('change', change([1, 2]), 500)
      bench.at(499)
      assert.deepEqual(bench.answers.outcomes, [])
      bench.at(500)
      assert.deepEqual(bench.answers.outcomes, ['change: LEARNER_NOT_READY'])
      assert.equal(bench.raft.lastLog.index, last)
    }
  })

  test('change-membership: names members only, and no more voters than allowed', () => {
    const bench = new Bench(membershipOf([1], [2])).lead()
    bench.submit('voter', change([1, 9]))
    bench.submit('learner', change([1], [9]))
    bench.submit('many', change(Array.from({ length: MAX_VOTERS + 1 }, (_, i) => i + 1)))
    assert.deepEqual(bench.answers.outcomes, ['voter: NODE_UNKNOWN', 'learner: NODE_UNKNOWN', 'many: INVALID_REQUEST'])
  })

  test('change-membership: to what is the case already is answered without a proposal', () => {
    const bench = new Bench(membershipOf([1], [2, 3])).lead()
    const last = bench.raft.lastLog.index
    bench.submit('learners kept', change([1]))
    bench.submit('learners named', change([1, 1], [3, 2]))
    assert.deepEqual(bench.answers.outcomes, ['learners kept: ok', 'learners named: ok'])
    assert.equal(bench.raft.lastLog.index, last)
  })

  test('change-membership: learners that are not named are removed', () => {
    const bench = new Bench(membershipOf([1], [2, 3])).lead()
    bench.submit('remove', change([1], [3]))
    bench.turn()
    assert.deepEqual(bench.last, membershipOf([1], [3]))
  })
})

describe('MembershipAdmin: preconditions', () => {
  const conditional = (condition: object): AdminRequest => ({
    op: 'change-membership',
    members: [1],
    learners: [3],
    ...condition,
  })

  test('change-membership: is made where the voters and the index are those it is meant for, and else refused with what they are', () => {
    const bench = new Bench(membershipOf([1], [2, 3])).lead()
    const last = bench.raft.lastLog.index
    for (const [i, condition] of [{ ifMembers: [1, 2] }, { ifIndex: 2 }, { ifMembers: [1], ifIndex: 9 }].entries()) {
      bench.submit(String(i), conditional(condition))
      assert.deepEqual(bench.answers.outcomes, [`${i}: MEMBERSHIP_CHANGED`])
      const { details } = bench.answers.errors.at(-1) as AspenError
      assert.deepEqual(details, { members: [1], learners: [2, 3], index: 1 })
      bench.answers.outcomes.length = 0
    }
    assert.equal(bench.raft.lastLog.index, last)
    bench.submit('meant', conditional({ ifMembers: [1], ifIndex: 1 }))
    bench.turn()
    assert.deepEqual(bench.answers.outcomes, ['meant: ok'])
    assert.deepEqual(bench.answers.values.at(-1), { membership: membershipOf([1], [3]), index: last + 1 })
  })

  test('change-membership: of two that are meant for one configuration the second is refused, however long it has waited', () => {
    const bench = new Bench(membershipOf([1, 2], [3, 4])).lead()
    bench.submit('first', change([1, 2], [3]))
    for (const condition of [{ ifIndex: 1 }])
      bench.submit('second', { op: 'change-membership', members: [1, 2], learners: [4], ...condition })
    assert.deepEqual(bench.answers.outcomes, [], 'the first may yet be undone')
    bench.ack(2)
    bench.turn()
    assert.deepEqual(bench.answers.outcomes, ['first: ok', 'second: MEMBERSHIP_CHANGED'])
    assert.deepEqual(bench.raft.membership, membershipOf([1, 2], [3]))
  })

  test('change-membership: is not compared with a configuration between two', () => {
    const bench = new Bench(membershipOf([1, 2], [3])).lead()
    bench.ack(3)
    bench.submit('change', change([1, 2, 3]))
    const joint = bench.raft.lastLog.index
    bench.submit('meant for what will be', { op: 'change-membership', members: [1, 2], learners: null, ifMembers: [1, 2, 3] })
    assert.deepEqual([bench.raft.lastLog.index, bench.answers.outcomes], [joint, []])
    for (let i = 0; i < 4; i++) for (const id of [2, 3]) bench.ack(id)
    assert.deepEqual(bench.answers.outcomes, ['change: ok', 'meant for what will be: ok'])
  })
})

describe('MembershipAdmin: outcomes', () => {
  test('submit: on a node that does not lead nothing is changed', () => {
    const bench = new Bench(membershipOf([1, 2, 3]))
    bench.submit('add', add(4))
    assert.deepEqual(bench.answers.outcomes, ['add: NOT_LEADER'])
  })

  test('submit: a change waits for the one before it', () => {
    const bench = new Bench(membershipOf([1, 2], [3, 4])).lead()
    bench.submit('first', change([1, 2], [3]))
    bench.submit('second', change([1, 2], []), 500)
    bench.submit('third', change([1, 2], []))
    bench.at(499)
    assert.deepEqual(bench.answers.outcomes, [])
    bench.at(500)
    assert.deepEqual(bench.answers.outcomes, ['second: MEMBERSHIP_IN_PROGRESS'])
    bench.ack(2)
    bench.turn()
    bench.ack(2)
    bench.turn()
    assert.deepEqual(bench.answers.outcomes.slice(1), ['first: ok', 'third: ok'])
    assert.deepEqual(bench.raft.membership, membershipOf([1, 2]))
  })

  test('progress: what is proposed and not committed at the deadline is unknown', () => {
    const bench = new Bench(membershipOf([1, 2])).lead()
    bench.links.push(link(keyOf(3), 3))
    bench.submit('add', add(3), 500)
    bench.at(499)
    assert.deepEqual(bench.answers.outcomes, [])
    bench.at(500)
    assert.deepEqual(bench.answers.outcomes, ['add: OUTCOME_UNKNOWN'])
  })

  test('progress: a change that another leader’s entry took the place of was not applied', () => {
    const bench = new Bench(membershipOf([1, 2])).lead()
    bench.links.push(link(keyOf(3), 3))
    const before = bench.raft.lastLog.index
    bench.submit('add', add(3))
    assert.equal(bench.raft.lastLog.index, before + 1)
    bench.depose(before, [membershipOf([1, 2], [4])], before)
    bench.turn()
    assert.deepEqual(bench.answers.outcomes, [], 'what stands there now may go as well')
    bench.depose(before + 1, [], before + 1)
    bench.turn()
    assert.deepEqual(bench.answers.outcomes, ['add: NOT_APPLIED'])
  })

  test('progress: a change that is kept by the next leader is done', () => {
    const bench = new Bench(membershipOf([1, 2])).lead()
    bench.links.push(link(keyOf(3), 3))
    bench.submit('add', add(3))
    bench.depose(bench.raft.lastLog.index, [membershipOf([1, 2], [3])])
    bench.turn()
    assert.deepEqual(bench.answers.outcomes, ['add: ok'])
  })

  test('progress: a change is not done while the configuration is joint', () => {
    const bench = new Bench(membershipOf([1, 2], [3])).lead()
    bench.ack(3)
    bench.submit('change', change([1, 2, 3]))
    const joint = bench.raft.lastLog.index
    bench.depose(joint, [])
    bench.turn()
    assert.deepEqual([bench.appliedIndex, bench.raft.membership.outgoing, bench.answers.outcomes], [joint, [1, 2], []])
    bench.depose(joint, [membershipOf([1, 2, 3])])
    bench.turn()
    assert.deepEqual(bench.answers.outcomes, ['change: ok'])
  })

  test('submit: refuses more than a bounded number of requests', () => {
    const bench = new Bench(membershipOf([1, 2])).lead()
    for (let i = 0; i < MAX_ADMIN_REQUESTS; i++) bench.submit(`add ${i}`, add(9))
    assert.throws(() => bench.submit('late', add(9)), { name: 'AspenError', code: 'OVERLOADED' })
  })

  test('submit: a request that an answer brings is not lost', () => {
    const bench = new Bench(membershipOf([1], [2])).lead()
    bench.admin.submit(add(2), FOREVER, () => bench.admin.submit(add(2, OTHER_KEY), FOREVER, bench.answers.reply('next')))
    bench.turn()
    bench.turn()
    assert.deepEqual(bench.answers.outcomes, ['next: NODE_AMBIGUOUS'])
  })

  test('abandon: answers all who wait, once', () => {
    const bench = new Bench().lead()
    bench.submit('a', add(2))
    bench.submit('b', add(3))
    bench.admin.abandon(Object.assign(new Error('stopped'), { code: 'STOPPING' }) as never)
    assert.deepEqual(bench.answers.outcomes, ['a: STOPPING', 'b: STOPPING'])
    assert.equal(bench.admin.busy, false)
    bench.at(FOREVER)
  })
})

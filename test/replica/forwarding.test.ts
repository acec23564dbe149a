import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeMembership } from '../../src/wire/index.ts'
import { encodeWriteResult } from '../../src/commands/index.ts'
import { CLUSTER, endpointOf, envelope, HandPeer, World } from './world.ts'

test('replica: a cluster of three founded at once takes writes through a follower', () => {
  const world = new World()
  const [, second] = world.cluster([1, 2, 3]) as [never, ReturnType<World['node']>]
  const outcomes: string[] = []
  second.write('a', outcomes)
  world.clock.until(() => outcomes.length > 0, 'the write')
  assert.deepEqual(outcomes, ['ok'])
})

test('replica: a forwarded write that is no command is refused and does not stop the leader', () => {
  const world = new World()
  const [leader] = world.cluster([1]) as [ReturnType<World['node']>]
  const peer = new HandPeer(world, 9)
  peer.start(CLUSTER)
  peer.connect(leader)
  world.clock.advance(200)
  peer.say(1, { type: 'forward', id: 1, operation: 'write', timeoutMs: 1000, body: Uint8Array.of(1, 2, 3) })
  world.clock.advance(200)
  assert.deepEqual(leader.fatal, [])
  const answer = peer.received.find((message) => message.type === 'forward-reply')
  assert.ok(answer?.type === 'forward-reply' && !answer.ok)
  assert.equal(answer.code, 'INVALID_REQUEST')
})

test('replica: a forwarded write larger than any command is refused and does not stop the leader', () => {
  const world = new World()
  const [leader, second] = world.cluster([1, 2]) as [ReturnType<World['node']>, ReturnType<World['node']>]
  const peer = new HandPeer(world, 9)
  peer.start(CLUSTER)
  peer.connect(leader)
  world.clock.advance(200)
  const body = new Uint8Array(9 * 1024 * 1024)
  body.set(envelope('a'))
  peer.say(1, { type: 'forward', id: 1, operation: 'write', timeoutMs: 1000, body })
  world.clock.advance(200)
  assert.deepEqual([...leader.fatal, ...second.fatal], [])
})

test('replica: a forwarded membership request is refused whatever it holds, and does not stop the leader', () => {
  const world = new World()
  const [leader] = world.cluster([1]) as [ReturnType<World['node']>]
  const peer = new HandPeer(world, 9)
  peer.start(CLUSTER)
  peer.connect(leader)
  world.clock.advance(200)
  const many = Array.from({ length: 10_000 }, (_, i) => i + 1)
  const requests = [
    // The refusal names both keys.
    { op: 'add-learner', nodeId: 1, endpointId: 'z'.repeat(70_000) },
    { op: 'add-learner', nodeId: 1, endpointId: endpointOf(77) },
    { op: 'add-learner', nodeId: 1, endpointId: '\ud800'.repeat(64) },
    { op: 'change-membership', members: [1, 1, 1], learners: [1, 1] },
    { op: 'change-membership', members: many, learners: null },
    { op: 'change-membership', members: [1], learners: many },
  ]
  requests.forEach((request, id) => {
    const body = new TextEncoder().encode(JSON.stringify(request))
    peer.say(1, { type: 'forward', id: id + 1, operation: 'admin', timeoutMs: 100, body })
    world.clock.advance(3000)
    assert.deepEqual(leader.fatal, [], JSON.stringify(request).slice(0, 100))
  })
  const answers = peer.received.filter((message) => message.type === 'forward-reply')
  assert.deepEqual(
    answers.map((answer) => (answer.ok ? 'ok' : answer.code)),
    ['INVALID_REQUEST', 'NODE_AMBIGUOUS', 'INVALID_REQUEST', 'ok', 'INVALID_REQUEST', 'INVALID_REQUEST'],
  )
})

test('replica: a write without a finite deadline at a follower does not stop the node', () => {
  for (const deadline of [Number.POSITIVE_INFINITY, Number.NaN]) {
    const world = new World()
    const [, second] = world.cluster([1, 2]) as [never, ReturnType<World['node']>]
    const outcomes: string[] = []
    second.write('a', outcomes, deadline)
    world.clock.advance(500)
    assert.deepEqual(second.fatal, [])
    assert.equal(outcomes.length, 1)
  }
})

/** A follower of a leader whose words the test chooses; `lead` gives it the founding configuration. */
function handLedFollower(): { world: World; leader: HandPeer; follower: ReturnType<World['node']>; lead: () => void } {
  const world = new World()
  const leader = new HandPeer(world, 1)
  const follower = world.node(2)
  follower.start()
  leader.start(CLUSTER)
  leader.connect(follower)
  world.clock.advance(100)
  const membership = {
    voters: [1],
    outgoing: [],
    learners: [2],
    members: [{ id: 1, endpointId: endpointOf(1), addresses: [] }, follower.member],
  }
  const founding = { index: 1, term: 0, kind: 'membership' as const, payload: encodeMembership(membership), membership }
  const prev = { term: 0, index: 0 }
  const addressed = { from: 1, to: 2, term: 1 }
  const lead = (): void => {
    const append = {
      type: 'append' as const,
      ...addressed,
      prev,
      count: 1,
      entries: [founding],
      commit: 1,
      incarnation: 1,
      round: 0,
    }
    leader.say(2, { type: 'raft', message: append })
    world.clock.advance(20)
  }
  return { world, leader, follower, lead }
}

test('replica: a follower that cannot follow yet knows how far it is behind', () => {
  const { world, leader, follower, lead } = handLedFollower()
  lead()
  const { view } = follower.replica
  assert.deepEqual([view.commitIndex, view.knownCommitIndex], [1, 1])
  const addressed = { from: 1, to: 2, term: 1 }
  const far = { type: 'append' as const, ...addressed, prev: { term: 1, index: 5_000 }, count: 0, entries: [], commit: 5_000 }
  leader.say(2, { type: 'raft', message: { ...far, incarnation: 1, round: 0 } })
  world.clock.advance(20)
  const after = follower.replica.view
  assert.deepEqual([after.commitIndex, after.appliedIndex, after.knownCommitIndex], [1, 1, 5_000])
})

test('replica: an answer that cannot be decoded is an unknown outcome and does not stop the follower', () => {
  const { world, leader, follower, lead } = handLedFollower()
  lead()
  const outcomes: string[] = []
  follower.write('a', outcomes)
  world.clock.advance(20)
  const forwarded = leader.received.find((message) => message.type === 'forward')
  assert.ok(forwarded?.type === 'forward')
  leader.say(2, { type: 'forward-reply', id: forwarded.id, ok: true, body: Uint8Array.of(1, 2, 3) })
  world.clock.advance(20)
  assert.deepEqual(follower.fatal, [])
  assert.deepEqual(outcomes, ['OUTCOME_UNKNOWN'])
})

test('replica: the answer to a write of a former life does not answer a write of this one', () => {
  const { world, leader, follower, lead } = handLedFollower()
  const forwarded = (): number => {
    const message = leader.received.findLast((one) => one.type === 'forward')
    assert.ok(message?.type === 'forward')
    return message.id
  }
  lead()
  follower.write('a', [])
  world.clock.advance(20)
  const former = forwarded()

  follower.crash()
  world.clock.advance(20)
  follower.start()
  world.clock.advance(100)
  lead()
  const outcomes: string[] = []
  follower.write('b', outcomes)
  world.clock.advance(20)
  assert.equal(leader.received.filter((one) => one.type === 'forward').length, 2)

  // The leader has committed the first write only now, and answers over the link there is.
  leader.say(2, { type: 'forward-reply', id: former, ok: true, body: encodeWriteResult({ logId: { term: 1, index: 5 } }) })
  world.clock.advance(20)
  assert.deepEqual(outcomes, [], 'the write of this life is not answered by that of the former')
})

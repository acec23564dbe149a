import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, endpointOf, HandPeer, World } from './world.ts'
import type { Node } from './world.ts'

test('replica: the log goes to the key that was bound, and never to another that claims the same id', () => {
  const world = new World()
  const [leader] = world.cluster([1]) as [Node]
  const pretender = new HandPeer(world, 2, 77)
  const chosen = new HandPeer(world, 2, 78)
  for (const peer of [pretender, chosen]) {
    peer.start(null)
    peer.connect(leader)
    world.clock.advance(50)
  }
  leader.replica.administer(
    { op: 'add-learner', nodeId: 2, endpointId: endpointOf(78) },
    world.clock.now() + 5000,
    () => undefined,
  )
  world.clock.advance(300)
  assert.equal(leader.replica.view.membership.learners.length, 1)
  assert.ok(chosen.received.some((message) => message.type === 'raft'))
  assert.deepEqual(pretender.received, [])
})

test('replica: a cluster is not founded with a node that belongs to another one', () => {
  const world = new World()
  const [first] = world.cluster([1]) as [Node]
  const second = world.node(2)
  second.start()
  second.connect(first)
  world.clock.advance(100)
  const outcomes: string[] = []
  second.replica.init([1, 2], 'd'.repeat(32), second.member, world.clock.now() + 1000, (error) =>
    outcomes.push(error === undefined ? 'ok' : codeOf(error)),
  )
  world.clock.advance(2000)
  assert.deepEqual(outcomes, ['CLUSTER_MISMATCH'])
  assert.equal(second.replica.view.clusterId, null, 'it can still be founded, or added to a cluster')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AspenNode } from '../../src/cluster/index.ts'
import { eventually, formThree, peerOf, rejectsWith, testNodes, text } from './nodes.ts'

test('AspenNode: three nodes become one cluster, one request straight after the other', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await Promise.all([nodes.start(1), nodes.start(2), nodes.start(3)])
  await nodes.introduce(one, two, three)
  assert.deepEqual((await one.init([1])).members, [1])
  assert.deepEqual((await one.addLearner(2)).learners, [2])
  assert.deepEqual((await one.addLearner(3)).learners, [2, 3])
  const state = await one.changeMembership({ members: [1, 2, 3] })
  assert.deepEqual([state.members, state.learners], [[1, 2, 3], []])
  assert.deepEqual(
    state.nodes.map(({ id, endpointId }) => [id, endpointId]),
    [one, two, three].map((node) => [node.nodeId, node.endpointId]),
  )
})

test('AspenNode: any node takes any request', async (t) => {
  const [one, two, three] = await formThree(testNodes(t))
  for (const [i, writer] of [one, two, three].entries()) {
    await writer.write({ Set: { key: `k${i}`, value: `v${i}` } })
    for (const reader of [one, two, three]) assert.equal(text((await reader.read(`k${i}`))?.value), `v${i}`)
  }
  assert.deepEqual((await three.changeMembership({ members: [1, 2] })).members, [1, 2])
})

test('AspenNode: a request to a node of no cluster is refused and changes nothing', async (t) => {
  const node = await testNodes(t).start(1)
  await rejectsWith('NOT_INITIALIZED', node.write({ Set: { key: 'k', value: 'v' } }))
  await rejectsWith('NOT_INITIALIZED', node.read('k'))
  await rejectsWith('NOT_INITIALIZED', node.scan({}))
  await rejectsWith('NOT_INITIALIZED', node.addLearner(2))
  await rejectsWith('NOT_INITIALIZED', node.changeMembership({ members: [1] }))
  assert.equal(node.status().lastLogIndex, 0)
})

test('AspenNode.init: founds a cluster once, of live nodes, this one among them', async (t) => {
  const node = await testNodes(t).start(1)
  await rejectsWith('INVALID_REQUEST', node.init([]))
  await rejectsWith('INVALID_REQUEST', node.init([2]))
  await rejectsWith('NODE_UNKNOWN', node.init([1, 2]))
  assert.equal(node.status().clusterId, null)
  await node.init([1])
  const { clusterId } = node.status()
  await rejectsWith('ALREADY_INITIALIZED', node.init([1]))
  assert.equal(node.status().clusterId, clusterId)
})

test('AspenNode.init: founds a cluster of several voters at once', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await Promise.all([nodes.start(1), nodes.start(2), nodes.start(3)])
  await nodes.introduce(one, two, three)
  await eventually('links', () => one.status().peers.filter((peer) => peer.connected).length === 2)
  assert.deepEqual((await one.init([1, 2, 3])).members, [1, 2, 3])
  // A majority has it.
  await eventually('node 3 hears of it', () => three.status().initialized)
  await three.write({ Set: { key: 'k', value: 'v' } })
  assert.equal(text((await two.read('k'))?.value), 'v')
})

test('AspenNode: nodes that were all founded alone are never joined', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await Promise.all([nodes.start(1), nodes.start(2), nodes.start(3)])
  await nodes.introduce(one, two, three)
  for (const node of [one, two, three]) await node.init([node.nodeId])
  await two.write({ Set: { key: 'k', value: 'of two' } })
  const before = [one, two, three].map((node) => node.status().clusterId)
  const error = await rejectsWith('CLUSTER_MISMATCH', one.addLearner(2))
  assert.match(error.message, /belongs to another cluster/)
  assert.deepEqual((await one.clusterState()).learners, [])
  assert.deepEqual(
    [one, two, three].map((node) => node.status().clusterId),
    before,
  )
  assert.equal(text((await two.read('k'))?.value), 'of two')
})

test('AspenNode.addLearner: names what is missing, and what is ambiguous', async (t) => {
  const nodes = testNodes(t)
  const [one, two, other] = await Promise.all([nodes.start(1), nodes.start(2), nodes.start(2, { dataDir: nodes.directory(22) })])
  await one.init([1])
  await rejectsWith('NODE_UNKNOWN', one.addLearner(2))
  await nodes.introduce(one, two)
  await nodes.introduce(one, other)
  await eventually('both links', () => one.status().peers.filter((peer) => peer.connected).length === 2)
  const error = await rejectsWith('NODE_AMBIGUOUS', one.addLearner(2))
  assert.deepEqual([...(error.details['endpoint_ids'] as string[])].sort(), [two.endpointId, other.endpointId].sort())
  const state = await one.addLearner(2, other.endpointId)
  assert.equal(state.nodes.find(({ id }) => id === 2)?.endpointId, other.endpointId)
  assert.deepEqual((await one.addLearner(2)).learners, [2], 'the same again is no error')
  await rejectsWith('NODE_AMBIGUOUS', one.addLearner(2, two.endpointId))
})

test('AspenNode.addPeer: refuses the node itself, and a member under another id', async (t) => {
  const [one, two] = await formThree(testNodes(t))
  const peer = peerOf(two)
  await rejectsWith('INVALID_REQUEST', one.addPeer({ ...peer, nodeId: 1 }))
  await rejectsWith('INVALID_REQUEST', one.addPeer(peerOf(one)))
  await rejectsWith('NODE_AMBIGUOUS', one.addPeer({ ...peer, nodeId: 9 }))
  await one.addPeer(peer)
})

test('AspenNode.changeMembership: refuses the empty set and unknown nodes', async (t) => {
  const node = await testNodes(t).start(1)
  await node.init([1])
  const before = node.status().lastLogIndex
  await rejectsWith('INVALID_REQUEST', node.changeMembership({ members: [] }))
  await rejectsWith('NODE_UNKNOWN', node.changeMembership({ members: [1, 9] }))
  await rejectsWith('INVALID_REQUEST', node.changeMembership({ members: Array.from({ length: 101 }, (_, i) => i + 1) }))
  assert.equal(node.status().lastLogIndex, before)
})

test('AspenNode.changeMembership: waits for a new voter, and proposes nothing when it does not come', async (t) => {
  const nodes = testNodes(t)
  const [one, two] = await Promise.all([nodes.start(1), nodes.start(2)])
  await nodes.introduce(one, two)
  await one.init([1])
  await one.addLearner(2)
  await two.stop()
  await eventually('the loss of the link', () => one.status().peers.every((peer) => !peer.connected))
  const before = one.status().lastLogIndex
  await rejectsWith('LEARNER_NOT_READY', one.changeMembership({ members: [1, 2] }, { timeoutMs: 300 }))
  assert.equal(one.status().lastLogIndex, before)
  await one.write({ Set: { key: 'k', value: 'goes on' } })
})

test('AspenNode.changeMembership: removes voters and learners, the leader included', async (t) => {
  const nodes = testNodes(t)
  const all = await formThree(nodes)
  const [one, two, three] = all
  const four = await nodes.start(4)
  await nodes.introduce(one, four)
  await nodes.introduce(two, four)
  await nodes.introduce(three, four)
  assert.deepEqual((await one.addLearner(4)).learners, [4])
  assert.deepEqual((await one.changeMembership({ members: [1, 2, 3], learners: [] })).learners, [])
  const leaderId = await one.leader()
  const rest = [1, 2, 3].filter((id) => id !== leaderId)
  const survivor = all.find((node) => node.nodeId === rest[0]) as (typeof all)[0]
  assert.deepEqual((await survivor.changeMembership({ members: rest })).members, rest)
  await survivor.write({ Set: { key: 'k', value: 'without the old leader' } })
  assert.ok(rest.includes((await survivor.leader()) ?? 0))
})

test('AspenNode: a stranger with the id of a member is not heard', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes)
  await three.stop()
  const stranger = await nodes.start(3, { dataDir: nodes.directory(33) })
  await stranger.addPeer(peerOf(one))
  await stranger.addPeer(peerOf(two))
  await eventually('the stranger to be linked', () => stranger.status().peers.every((peer) => peer.connected))
  await two.write({ Set: { key: 'k', value: 'v' } })
  assert.equal(stranger.status().lastLogIndex, 0)
  assert.equal(stranger.status().initialized, false)
  await two.stop()
  // One voter and a stranger are no quorum of three.
  await rejectsWith('OUTCOME_UNKNOWN', one.write({ Set: { key: 'k', value: 'w' } }, { timeoutMs: 400 })).catch(async () =>
    rejectsWith('NO_LEADER', one.write({ Set: { key: 'k', value: 'w' } }, { timeoutMs: 400 })),
  )
})

test('AspenNode: one that was removed says so again after a restart, with nobody there to tell it', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes)
  await one.changeMembership({ members: [1, 2] })
  const knows = (node: AspenNode): boolean => node.status().checks.some(({ name, ok }) => name === 'membership' && !ok)
  await eventually('it has heard of it', () => knows(three))
  await Promise.all([one.stop(), two.stop(), three.stop()])
  const again = await nodes.start(3)
  assert.ok(knows(again))
  await rejectsWith('REMOVED', again.write({ Set: { key: 'k', value: 'v' } }))
  await rejectsWith('REMOVED', again.read('k'))
})

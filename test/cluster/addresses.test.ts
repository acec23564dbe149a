/** Members that move, and peers that only one node was told of. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AspenNode } from '../../src/cluster/index.ts'
import { eventually, formThree, peerOf, testNodes, text } from './nodes.ts'

function linked(node: AspenNode, other: AspenNode): boolean {
  return node.status().peers.some(({ endpointId, connected }) => connected && endpointId === other.endpointId)
}

test('AspenNode: two voters that moved while the third stayed find each other, and do without it', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes)
  await Promise.all([two.stop(), three.stop()])
  // On ports of their own, that nobody else was told of.
  const [newTwo, newThree] = [await nodes.start(2), await nodes.start(3)]
  await eventually('2 and 3 are linked', () => linked(newTwo, newThree))
  const seen = newTwo.status().cluster.nodes.find(({ id }) => id === 3)
  assert.deepEqual(seen?.addresses, newThree.status().addresses)
  await one.stop()
  await eventually('the two elect a leader', () => newTwo.status().leader !== 1 && newTwo.status().leader !== null)
  await newTwo.write({ Set: { key: 'k', value: 'v' } })
  assert.equal(text((await newThree.read('k'))?.value), 'v')
})

test('AspenNode: a learner that only a follower was told of is added through any node', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes)
  const four = await nodes.start(4)
  const follower = [two, three].find((node) => node.status().leader !== node.nodeId) ?? two
  await follower.addPeer(peerOf(four))
  assert.deepEqual((await follower.addLearner(4)).learners, [4])
  assert.ok(linked(one, four) || follower.status().leader !== 1)
})

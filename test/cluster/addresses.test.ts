/** Members that move, and peers that only one node was told of. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { AspenNode } from '../../src/cluster/index.ts'
import { eventually, formThree, peerOf, rejectsWith, testNodes, text } from './nodes.ts'

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

test('AspenNode: three voters whose addresses were dealt out anew while none of them ran find each other', async (t) => {
  const nodes = testNodes(t)
  const all = await formThree(nodes)
  const ports = all.map((node) => Number(node.status().addresses[0]?.split(':').at(-1)))
  await all[0].write({ Set: { key: 'k', value: 'v' } })
  await Promise.all(all.map((node) => node.stop()))
  const moved = await Promise.all([1, 2, 3].map((id) => nodes.start(id, { ractorPort: ports[id % 3] as number })))
  await eventually('all are linked', () => moved.every((node) => moved.every((other) => other === node || linked(node, other))))
  assert.equal(text((await moved[1]?.read('k'))?.value), 'v')
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

const KEY = 'ab'.repeat(32)

/** What the node says of a peer that it was told of at these addresses. */
async function lastErrorAt(node: AspenNode, addresses: readonly string[], expected: RegExp): Promise<string> {
  await node.addPeer({ nodeId: 4, endpointId: KEY, addresses })
  const errorNow = (): string | undefined =>
    node.status().peers.find(({ endpointId }) => endpointId === KEY)?.lastError ?? undefined
  let seen: string | undefined
  const found = await eventually('a dial that failed', () =>
    (seen = errorNow()) !== undefined && expected.test(seen) ? seen : undefined,
  ).catch(() => assert.fail(seen))
  return found
}

test('AspenNode: each address of a peer that is not reached has its own error, and adding the peer says so too', async (t) => {
  const node = await testNodes(t).start(1)
  await node.init([1])
  const [first, second] = ['127.0.0.1:1', '127.0.0.1:2']
  const error = await lastErrorAt(node, [first, second], /:2/)
  assert.equal(error, `ECONNREFUSED: nothing listens at ${first}; nothing listens at ${second}`)
  const refused = await rejectsWith('NODE_UNKNOWN', node.addLearner(4))
  assert.match(
    refused.message,
    /it is known as abababababababab\.\.\., and not linked: ECONNREFUSED: nothing listens at 127\.0\.0\.1:1/,
  )
  assert.match(refused.message, /correct its address/)
  assert.doesNotMatch((await rejectsWith('NODE_UNKNOWN', node.addLearner(5))).message, /not linked/)
})

test('AspenNode: a peer at the port of an HTTP server is said to speak no TLS', async (t) => {
  const server = createServer((_, response) => response.end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const where = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const node = await testNodes(t).start(1)
  const error = await lastErrorAt(node, [where], /./)
  assert.match(error, new RegExp(`^[A-Z_]+: what answers at ${where} does not speak TLS: give the ractor port of the node$`))
})

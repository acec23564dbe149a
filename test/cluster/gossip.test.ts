/** Real nodes that hear of each other through others, and what they say of whom they know. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerView } from '../../src/api/index.ts'
import type { AspenNode, NodeConfig } from '../../src/cluster/index.ts'
import { eventually, peerOf, rejectsWith, testNodes } from './nodes.ts'

const KEY = 'ab'.repeat(32)

async function peerAt(node: AspenNode, endpointId: string): Promise<PeerView | undefined> {
  return (await node.peers()).peers.find((peer) => peer.endpointId === endpointId)
}

async function sourcesAt(node: AspenNode, endpointId: string): Promise<readonly string[]> {
  return (await peerAt(node, endpointId))?.sources.map(({ source }) => source) ?? []
}

/** The second and the third were told of the first alone. */
async function startThree(nodes: ReturnType<typeof testNodes>, settings: Partial<NodeConfig> = {}): Promise<AspenNode[]> {
  const one = await nodes.start(1, settings)
  const peers = [{ ...peerOf(one), relay: null }]
  return [one, await nodes.start(2, { ...settings, peers }), await nodes.start(3, { ...settings, peers })]
}

test('AspenNode: nodes that were told of one hear of each other, signed by whom it is about, and link themselves', async (t) => {
  const [one, two, three] = (await startThree(testNodes(t))) as [AspenNode, AspenNode, AspenNode]
  for (const [node, other] of [
    [two, three],
    [three, two],
  ] as const) {
    const known = await eventually('they are linked', async () => {
      const peer = await peerAt(node, other.endpointId)
      return peer?.state === 'connected' && peer.sources.some(({ source }) => source === 'gossip') ? peer : false
    })
    assert.deepEqual([known.nodeId, known.path, known.standing], [other.nodeId, 'direct', 'stranger'])
    assert.deepEqual(known.addresses, other.status().addresses)
    assert.ok(known.sources.every(({ ageMs }) => ageMs >= 0 && ageMs < 60_000))
  }
  const { knownPeers } = one.status()
  assert.deepEqual(knownPeers.find(({ source, connected }) => source === 'gossip' && connected)?.peers, 2)
})

test('AspenNode: without gossip nobody announces anything, and linked nodes still say of each other where they are', async (t) => {
  const [, two, three] = (await startThree(testNodes(t), { enableGossip: false })) as [AspenNode, AspenNode, AspenNode]
  await eventually('they are linked', async () => (await peerAt(two, three.endpointId))?.state === 'connected')
  const { sources } = await two.peers()
  assert.match(sources.find(({ source }) => source === 'gossip')?.detail ?? '', /switched off: enable_gossip/)
  assert.ok(!(await sourcesAt(two, three.endpointId)).includes('gossip'))
})

test('AspenNode.removePeer: what one node was told all learn; a peer that is removed is not heard of again, but from who names it', async (t) => {
  const [one, two, three] = (await startThree(testNodes(t))) as [AspenNode, AspenNode, AspenNode]
  const told = { nodeId: 9, endpointId: KEY, addresses: ['127.0.0.1:9'] }
  await one.addPeer(told)
  for (const node of [two, three]) {
    await eventually('it has heard', async () => (await sourcesAt(node, KEY)).includes('hearsay'))
  }
  await two.removePeer({ nodeId: 9 })
  assert.equal(await peerAt(two, KEY), undefined)
  await one.addPeer({ ...told, addresses: ['127.0.0.1:10'] })
  await eventually('others have heard', async () => (await peerAt(three, KEY))?.addresses.includes('127.0.0.1:10'))
  assert.equal(await peerAt(two, KEY), undefined)
  await rejectsWith('NODE_UNKNOWN', two.removePeer({ endpointId: KEY }))
  await two.addPeer(told)
  assert.deepEqual(await sourcesAt(two, KEY), ['add-peer'])
})

test('AspenNode.removePeer: refuses a member, and what is no choice', async (t) => {
  const node = await testNodes(t).start(1)
  await node.init([1])
  await rejectsWith('NODE_UNKNOWN', node.removePeer({ nodeId: 2 }))
  const wrong: readonly unknown[] = [{}, { nodeId: 1, endpointId: KEY }, { nodeId: 0 }, { endpointId: 'x' }, null, { other: 1 }]
  for (const peer of wrong) await rejectsWith('INVALID_REQUEST', node.removePeer(peer as { nodeId: number }))
})

test('AspenNode: a node says that it is where advertise_addr has it', async (t) => {
  const advertiseAddr = ['node-1.example:443', '[2001:db8::1]:26000']
  const node = await testNodes(t).start(1, { advertiseAddr })
  assert.deepEqual(node.status().addresses, advertiseAddr)
  assert.deepEqual((await node.init([1])).nodes[0]?.addresses, advertiseAddr)
})

/** Real nodes that all come back elsewhere, and know of each other nothing but their keys: found by pkarr alone, through a relay and on a DHT. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { AspenNode, NodeConfig } from '../../src/cluster/index.ts'
import { startDht } from '../discovery/dht-nodes.ts'
import { Relay } from '../discovery/relay.ts'
import { eventually, testNodes, text } from './nodes.ts'

async function assertFoundAgain(t: TestContext, settings: Partial<NodeConfig>, through: RegExp): Promise<void> {
  const nodes = testNodes(t)
  const all = { ...settings, enablePkarr: true, enableGossip: false }
  const two = await nodes.start(2, all)
  // A key alone, and no address.
  const one = await nodes.start(1, { ...all, peers: [{ nodeId: 2, endpointId: two.endpointId, addresses: [] }] })
  await one.init([1])
  await one.addLearner(2, undefined, { timeoutMs: 60_000 })
  await one.changeMembership({ members: [1, 2] })
  await one.write({ Set: { key: 'k', value: 'v' } })
  const before = [...one.status().addresses, ...two.status().addresses]
  await Promise.all([one.stop(), two.stop()])

  // Each has what the other was, and nobody is there any more.
  const [again, other] = await Promise.all([nodes.start(1, all), nodes.start(2, all)])
  const after = [...again.status().addresses, ...other.status().addresses]
  assert.deepEqual(
    after.filter((address) => before.includes(address)),
    [],
  )
  await eventually('there is a leader', () => again.status().leader !== null && other.status().leader !== null)
  assert.equal(text((await other.read('k'))?.value), 'v')
  const pkarrOf = async (node: AspenNode) => (await node.peers()).sources.find(({ source }) => source === 'pkarr')
  for (const node of [again, other]) {
    await eventually('pkarr works', async () => (await pkarrOf(node))?.lastError === null)
    assert.match((await pkarrOf(node))?.detail ?? '', through)
  }
  const peers = (await Promise.all([again.peers(), other.peers()])).flatMap((view) => view.peers)
  const heard = peers.flatMap(({ sources }) => sources.filter(({ source }) => source === 'pkarr'))
  assert.ok(
    heard.some(({ addresses }) => addresses.some((address) => after.includes(address))),
    JSON.stringify(heard),
  )
}

test('AspenNode: nodes that moved, all of them, find each other again through a relay', async (t) => {
  const relay = new Relay()
  const pkarrRelayUrl = await relay.listen()
  t.after(() => relay.close())
  await assertFoundAgain(t, { pkarrRelayUrl }, /^through the relay http:\/\/127\.0\.0\.1:\d+\/$/)
  assert.equal(relay.records.size, 2)
})

test('AspenNode: nodes that moved, all of them, find each other again on the DHT', async (t) => {
  const { addresses } = await startDht(t)
  const [bootstrap = ''] = addresses
  await assertFoundAgain(t, { pkarrDhtBootstrap: [bootstrap] }, /^through the DHT from 127\.0\.0\.1:\d+$/)
})

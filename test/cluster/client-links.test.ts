/** Clients over links beside real nodes: any node serves them, and none of them becomes one. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { connectLink, generateIdentity } from '../../src/client/index.ts'
import type { AspenLinkClient } from '../../src/client/index.ts'
import type { AspenNode } from '../../src/cluster/index.ts'
import { parseAddress } from '../../src/api/index.ts'
import { eventually, formThree, rejectsWith, testNodes, text } from './nodes.ts'

function clientOf(t: TestContext, nodes: readonly AspenNode[], cookie = 'test-cookie'): AspenLinkClient {
  const endpoints = nodes.map((node) => ({ endpointId: node.endpointId, address: node.status().addresses[0] as string }))
  const client = connectLink({ endpoints, cookie })
  t.after(() => client.close())
  return client
}

/** Nobody is to be elected for a leader that is only slow, on a busy machine. */
const PATIENT = { storageBackend: 'InMemory', electionTimeoutMinMs: 5_000, electionTimeoutMaxMs: 10_000 } as const

test('connectLink: any node of a cluster takes writes and answers reads with what the others wrote', async (t) => {
  const all = await formThree(testNodes(t), PATIENT)
  const clients = all.map((node) => clientOf(t, [node]))
  for (const [i, client] of clients.entries()) await client.write({ Set: { key: `from ${i + 1}`, value: `${i + 1}` } })
  for (const client of clients) {
    const { entries } = await client.scan({ prefix: 'from ' })
    assert.deepEqual(
      entries.map(({ value }) => text(value)),
      ['1', '2', '3'],
    )
  }
  const lanes = clients.flatMap((client) => Array.from({ length: 300 }, () => client))
  const many = await Promise.all(lanes.map((client, i) => client.write({ Set: { key: `k${i}`, value: '' } })))
  assert.equal(new Set(many.map(({ logId }) => logId.index)).size, 900)
})

test('connectLink: a node that belongs to no cluster says so', async (t) => {
  const node = await testNodes(t).start(1, { storageBackend: 'InMemory' })
  await rejectsWith('NOT_INITIALIZED', clientOf(t, [node]).write({ Set: { key: 'k', value: '' } }))
})

test('connectLink: the leader stops under load: every write is acknowledged, none has an unknown outcome', async (t) => {
  const all = await formThree(testNodes(t), PATIENT)
  const [first] = all
  const leader = all.find((node) => node.nodeId === first.status().leader) as AspenNode
  const client = clientOf(t, [leader, ...all.filter((node) => node !== leader)])
  let written = 0
  let stopped = false
  const writer = async (lane: number): Promise<void> => {
    for (let i = 0; !stopped || i < 20; i++) {
      await client.write({ Set: { key: `${lane}`, value: `${i}` } }, { timeoutMs: 60_000 })
      written++
    }
  }
  const writers = Promise.all(Array.from({ length: 32 }, (_, lane) => writer(lane)))
  await eventually('some writes', () => written > 300)
  await leader.stop()
  stopped = true
  await writers
  t.diagnostic(`${written} writes acknowledged`)
})

test('a client that has proven key and cookie: is no peer, and no learner to be added', async (t) => {
  const node = await testNodes(t).start(1, { storageBackend: 'InMemory' })
  await node.init([1])
  const client = clientOf(t, [node])
  await client.write({ Set: { key: 'k', value: 'v' } })
  await rejectsWith('NODE_UNKNOWN', node.addLearner(2))
  assert.deepEqual(node.status().peers, [])
})

test('connectLink: a member’s address with a wrong key or cookie is refused by name, and the node goes on', async (t) => {
  const node = await testNodes(t).start(1, { storageBackend: 'InMemory' })
  await node.init([1])
  const address = node.status().addresses[0] as string
  assert.ok(parseAddress(address) !== undefined)
  const stranger = connectLink({ endpoints: [{ endpointId: generateIdentity().endpointId, address }], cookie: 'test-cookie' })
  t.after(() => stranger.close())
  await rejectsWith('NODE_UNKNOWN', stranger.read('k'))
  await rejectsWith('UNAUTHORIZED', clientOf(t, [node], 'guessed').read('k'))
  assert.equal(await clientOf(t, [node]).read('k'), undefined)
})

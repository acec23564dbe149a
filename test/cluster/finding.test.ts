/** Real nodes that were told of nobody: by a ticket alone, and by the local network alone, which is loopback here. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { ConfigError } from '../../src/cluster/index.ts'
import type { AspenNode, NodeConfig } from '../../src/cluster/index.ts'
import { eventually, formThree, rejectsWith, testNodes, text } from './nodes.ts'

const ALONE: Partial<NodeConfig> = { enableGossip: false, enableMdns: false }

async function assertRefused(starting: Promise<AspenNode>, words: RegExp): Promise<void> {
  await assert.rejects(starting, (error) => {
    assert.ok(error instanceof ConfigError, String(error))
    assert.match(error.message, words)
    return true
  })
}

test('AspenNode: a fourth node joins with nothing but a ticket and the cookie', async (t) => {
  const nodes = testNodes(t)
  const [one, two] = await formThree(nodes, ALONE)
  await one.write({ Set: { key: 'k', value: 'v' } })
  const { ticket, topicId, clusterId, endpointId } = await two.clusterTicket()
  assert.match(ticket, /^aspen[a-z2-7]+$/)
  assert.equal(ticket.includes('test-cookie'), false)
  assert.deepEqual([clusterId, endpointId, topicId.length], [two.status().clusterId, two.endpointId, 64])
  const four = await nodes.start(4, { ...ALONE, ticket: `${ticket}\n` })
  // Named by the ticket, all three are dialled, and told by each other.
  await one.addLearner(4)
  // Before it hears of the cluster it is of none.
  const read = (): Promise<string | undefined> =>
    four.read('k').then(
      (entry) => text(entry?.value),
      () => undefined,
    )
  await eventually('it has the state', async () => (await read()) === 'v')
  const { peers } = await four.peers()
  assert.equal(peers.filter(({ sources }) => sources.some(({ source }) => source === 'ticket')).length, 3)

  // The same ticket again is no harm to a member; to others it is what it is.
  await four.stop()
  await nodes.start(4, { ...ALONE, ticket })
  await assertRefused(
    nodes.start(5, { ...ALONE, ticket, cookie: 'another' }),
    /^the ticket cannot be used: it is of a cluster with another cookie/,
  )
  await assertRefused(
    nodes.start(5, { ...ALONE, ticket: ticket.slice(0, -8) }),
    /^the ticket cannot be used: (?:it was changed|a part|malformed ticket)/,
  )
})

test('AspenNode: data of one cluster and a ticket of another do not go together; nothing is changed', async (t) => {
  const [here, there] = [testNodes(t), testNodes(t)]
  const one = await here.start(1, ALONE)
  await one.init([1])
  const other = await there.start(3, ALONE)
  await other.init([3])
  const { ticket } = await other.clusterTicket()
  await one.stop()
  await assertRefused(
    here.start(1, { ...ALONE, ticket }),
    /it is of cluster [0-9a-f]{32}, and the data of this node is of cluster [0-9a-f]{32}/,
  )
  const again = await here.start(1, ALONE)
  assert.equal((await again.peers()).peers.length, 0, 'the ticket that was refused has left something')
})

test('AspenNode: nodes with one cookie find each other on their machine; those with another are not seen', async (t) => {
  const settings = { enableMdns: true, enableGossip: false, cookie: randomUUID() }
  const nodes = testNodes(t)
  const stranger = await testNodes(t).start(2, { ...settings, cookie: randomUUID() })
  const started = [await nodes.start(1, settings), await nodes.start(2, settings), await nodes.start(3, settings)] as const
  const [one, two, three] = started
  await one.init([1])
  // Asked for at once, whether they were heard of by then or not.
  await one.addLearner(2)
  await one.addLearner(3)
  await one.changeMembership({ members: [1, 2, 3] })
  await three.write({ Set: { key: 'k', value: 'v' } })
  assert.equal(text((await two.read('k'))?.value), 'v')
  const { peers, sources } = await one.peers()
  assert.ok(peers.every(({ endpointId }) => endpointId !== stranger.endpointId))
  assert.ok(peers.some((peer) => peer.sources.some(({ source }) => source === 'mdns')))
  assert.match(sources.find(({ source }) => source === 'mdns')?.detail ?? '', /^on lo\w* \(127\.0\.0\.1\)/)
  // Asked for where nobody leads, before it runs.
  const joined = three.addLearner(4, undefined, { timeoutMs: 60_000 })
  const [four, { learners }] = await Promise.all([nodes.start(4, settings), joined])
  assert.deepEqual(learners, [4])
  // Before it hears of the cluster it is of none.
  const read = (): Promise<string | undefined> =>
    four.read('k').then(
      (entry) => text(entry?.value),
      () => undefined,
    )
  await eventually('it has the state', async () => (await read()) === 'v')
  const unknown = await rejectsWith('NODE_UNKNOWN', two.addLearner(9, undefined, { timeoutMs: 250 }))
  const tried = unknown.details['sources'] as readonly { readonly source: string; readonly detail: string }[]
  assert.match(tried.find(({ source }) => source === 'mdns')?.detail ?? '', /^on lo\w* /)
  assert.equal(tried.find(({ source }) => source === 'gossip')?.detail, 'switched off: enable_gossip')
  assert.match(unknown.message, /It was looked for through membership, peers, .*, mdns$/)
  assert.deepEqual((await stranger.peers()).peers, [])
})

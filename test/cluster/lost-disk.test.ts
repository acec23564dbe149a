import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import type { AspenNode } from '../../src/cluster/index.ts'
import { eventually, formThree, peerOf, rejectsWith, testNodes } from './nodes.ts'

const portOf = (node: AspenNode): number => Number(node.status().addresses[0]?.split(':').at(-1))
const formerLife = (node: AspenNode): string | undefined =>
  node.status().checks.find(({ name, ok }) => name === 'former_life' && !ok)?.detail

test('AspenNode.init: a member that lost its disk founds nothing while its cluster dials it under its former key', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes)
  const former = three.endpointId
  const ractorPort = portOf(three)
  await three.stop()
  rmSync(nodes.directory(3), { recursive: true })
  const empty = await nodes.start(3, { ractorPort })
  const detail = await eventually('the cluster is noticed', () => formerLife(empty))
  assert.match(detail, /aspen-node rejoin/)
  const error = await rejectsWith('CLUSTER_MISMATCH', empty.init([3]))
  assert.match(
    error.message,
    new RegExp(`node [12] of cluster ${one.status().clusterId?.slice(0, 16)}\\.\\.\\. expects key ${former.slice(0, 16)}`),
  )
  assert.match(error.message, /other ports/)
  assert.equal(error.retryable, false)
  assert.equal(empty.status().initialized, false)
  const other = await nodes.start(1, { dataDir: nodes.directory(11) })
  await nodes.introduce(other, empty)
  const asked = await rejectsWith('CLUSTER_MISMATCH', other.init([1, 3]))
  assert.match(asked.message, /dials node 3 as another one/)
  assert.deepEqual([other.status().initialized, empty.status().initialized], [false, false])
  await two.write({ Set: { key: 'k', value: 'v' } })
})

test('AspenNode.init: a member that lost its disk and is linked with its cluster is told so too', async (t) => {
  const nodes = testNodes(t)
  const [one, , three] = await formThree(nodes)
  await three.stop()
  rmSync(nodes.directory(3), { recursive: true })
  const empty = await nodes.start(3)
  await empty.addPeer(peerOf(one))
  const detail = await eventually('the cluster is noticed', () => formerLife(empty))
  assert.match(detail, /node [12] says that cluster .* has a member 3 with another key/)
  await rejectsWith('CLUSTER_MISMATCH', empty.init([3]))
})

test('AspenNode.init: a second cluster with the same ids is founded beside one whose members are all there', async (t) => {
  const nodes = testNodes(t)
  // All hear of all, as they do on one machine.
  const found = { enableMdns: true, cookie: randomUUID() }
  const first = await formThree(nodes, found)
  const second = await Promise.all([1, 2, 3].map((id) => nodes.start(id, { ...found, dataDir: nodes.directory(10 + id) })))
  await eventually('all are linked', () =>
    second.every((node) => node.status().peers.filter(({ connected }) => connected).length >= 4),
  )
  const [founder] = second as [AspenNode]
  assert.equal(formerLife(founder), undefined)
  await founder.init([1, 2, 3])
  await founder.write({ Set: { key: 'k', value: 'second' } })
  assert.deepEqual(
    founder.status().cluster.nodes.map(({ endpointId }) => endpointId),
    second.map(({ endpointId }) => endpointId),
  )
  assert.equal(await first[0].read('k'), undefined)
})

test('AspenNode.init: a new cluster is founded beside a node that merely was told a wrong key', async (t) => {
  const nodes = testNodes(t)
  const [one, two] = await Promise.all([nodes.start(1), nodes.start(2)])
  await one.addPeer({ ...peerOf(two), endpointId: 'ab'.repeat(32) })
  await eventually('it was dialled', () => one.status().peers.some(({ lastError }) => lastError?.startsWith('KEY_MISMATCH')))
  assert.equal(formerLife(two), undefined)
  await two.init([2])
})

/** What a cluster that is founded from a state knows of where it comes from, once and again. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ClusterOrigin } from '../../src/commands/index.ts'
import { foundAnew } from '../../src/cluster/refound/found-anew.ts'
import { openDurableHome } from '../../src/cluster/stores/index.ts'
import { settled } from '../../src/cluster/settled.ts'
import { REVISION_JUMP } from '../../src/limits.ts'
import { closeStores } from '../../src/node/index.ts'
import { eventually, testNodes, text } from './nodes.ts'

/** Of a node that has stopped. */
async function originIn(directory: string, nodeId: number): Promise<ClusterOrigin | undefined> {
  const home = openDurableHome(directory, nodeId)
  const stores = home.openStores()
  const { origin } = stores.stateMachine.info()
  await settled((done) => closeStores(stores, done))
  home.release()
  return origin
}

function snapshotIn(directory: string): string {
  const folder = join(directory, 'snapshots')
  const [name = ''] = readdirSync(folder).toSorted().reverse()
  return join(folder, name)
}

test('foundAnew: members have it from the founder where their cluster comes from; the next founding puts its own in that place', async (t) => {
  const nodes = testNodes(t)
  const old = await nodes.start(1)
  await old.init([1])
  await old.write({ Set: { key: 'k', value: 'v' } })
  await old.triggerSnapshot()
  await old.stop()
  const [first, second] = ['a1'.repeat(16), 'b2'.repeat(16)]
  const clusterId = old.status().clusterId as string

  const founding = { nodeId: 2, clusterId: first, how: 'restore', foundedAt: 1_000 } as const
  const { source } = foundAnew(nodes.directory(2), snapshotIn(nodes.directory(1)), founding)
  const founder = await nodes.start(2)
  const learner = await nodes.start(3)
  await nodes.introduce(founder, learner)
  await founder.addLearner(3)
  await eventually('the learner has it', () => learner.status().keys === 1)
  assert.equal(text((await learner.read('k'))?.value), 'v')
  // A client that is new, and one that goes on.
  for (const sequence of [1, 2]) {
    await founder.write({ Set: { key: 'k', value: `v${sequence}` } }, { origin: { client: 'c', sequence } })
  }
  await founder.triggerSnapshot()
  const { revision } = founder.status()
  await Promise.all([founder.stop(), learner.stop()])
  const origin = { how: 'restore', clusterId, nodeId: 2, foundedAt: 1_000, last: source.last, revision: 2 } as const
  assert.deepEqual(await originIn(nodes.directory(2), 2), origin)
  assert.deepEqual(await originIn(nodes.directory(3), 3), origin)

  const again = { nodeId: 4, clusterId: second, how: 'recover', foundedAt: 2_000 } as const
  const from = foundAnew(nodes.directory(4), snapshotIn(nodes.directory(2)), again).source
  const latest = await nodes.start(4)
  assert.equal(text((await latest.read('k'))?.value), 'v2')
  assert.equal(latest.status().revision, revision + REVISION_JUMP)
  await latest.stop()
  const next = { how: 'recover', clusterId: first, nodeId: 4, foundedAt: 2_000, last: from.last, revision } as const
  assert.deepEqual(await originIn(nodes.directory(4), 4), next)
})

test('foundAnew: what is no snapshot, or is cut, makes no data directory', (t) => {
  const nodes = testNodes(t)
  const file = join(nodes.directory(1), 'x')
  mkdirSync(nodes.directory(1))
  const founding = { nodeId: 2, clusterId: 'c'.repeat(32), how: 'restore', foundedAt: 0 } as const
  for (const [content, why] of [
    ['', /ends in its prelude/],
    ['something else altogether', /does not begin like a snapshot/],
  ] as const) {
    writeFileSync(file, content)
    assert.throws(() => foundAnew(nodes.directory(2), file, founding), why)
    assert.throws(() => readdirSync(nodes.directory(2)), { code: 'ENOENT' })
  }
})

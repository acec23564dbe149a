/** How clusters begin, when several nodes are asked at once or before they know each other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore } from '../../src/testing/index.ts'
import { volume } from '../volume.ts'
import { endOf, set } from './requests.ts'

test('AspenRouter: init of the same voters at all of them in one moment founds one cluster', async () => {
  await explore({ seeds: volume(50, 15), founders: 0 }, async (router) => {
    for (const id of [1, 2, 3]) if (!router.isRunning(id)) router.start(id)
    await router.until('all are open', 10_000, () => [1, 2, 3].every((id) => router.status(id) !== null))
    // Also before there are links.
    await router.sleep(router.random.nextUint32() % 30)
    const ends = await Promise.all([3, 1, 2].map((id) => endOf(router.node(id).init([1, 2, 3]))))
    assert.ok(
      ends.every((end) => end === 'ok' || end === 'ALREADY_INITIALIZED'),
      ends.join(),
    )
    await router.converged()
    const clusters = new Set([1, 2, 3].map((id) => router.status(id)?.clusterId))
    assert.equal(clusters.size, 1)
    for (const id of [1, 2, 3]) assert.equal(await endOf(router.node(id).write(set('k', 'v'))), 'ok')
    for (const id of [1, 2, 3]) assert.equal(await endOf(router.node(id).init([1, 2, 3])), 'ALREADY_INITIALIZED')
  })
})

test('AspenRouter: a voter that is not the founder founds through it', async () => {
  await explore({ seeds: volume(10, 4), founders: 0 }, async (router) => {
    for (const id of [1, 2, 3]) if (!router.isRunning(id)) router.start(id)
    await router.until('all are open', 10_000, () => [1, 2, 3].every((id) => router.status(id) !== null))
    const { members } = await router.node(3).init([2, 3])
    assert.deepEqual(members, [2, 3])
    assert.equal(await endOf(router.node(3).write(set('k', 'v'))), 'ok')
    assert.equal(router.status(1)?.initialized, false)
    // Who is asked for a cluster with a member of another one is refused.
    assert.equal(await endOf(router.node(1).init([1, 2])), 'CLUSTER_MISMATCH')
  })
})

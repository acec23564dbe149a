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

/** What the node with this id may be asked to found, among three: it has to be a member itself. */
const foundingsAt = (id: number): readonly (readonly number[])[] =>
  [[1], [2], [3], [1, 2], [1, 3], [2, 3], [1, 2, 3]].filter((voters) => voters.includes(id))

/** One for each of the nodes that are asked. */
const CONTRADICTIONS = foundingsAt(1).flatMap((one) =>
  foundingsAt(2).flatMap((two) => [null, ...foundingsAt(3)].map((three) => [one, two, ...(three === null ? [] : [three])])),
)

const CONFLICTS = ['ALREADY_INITIALIZED', 'CLUSTER_MISMATCH']

test('AspenRouter: contradictory inits in one moment end in clusters that share no node, and in refusals that say so', async () => {
  const left = [...CONTRADICTIONS]
  await explore({ seeds: volume(4 * CONTRADICTIONS.length, CONTRADICTIONS.length), founders: 0 }, async (router) => {
    const asked = left.shift() ?? CONTRADICTIONS[router.random.nextUint32() % CONTRADICTIONS.length] ?? []
    for (const id of [1, 2, 3]) if (!router.isRunning(id)) router.start(id)
    await router.until('all are open', 10_000, () => [1, 2, 3].every((id) => router.status(id) !== null))
    // Before there are links, and after.
    await router.sleep(router.random.nextUint32() % 30)
    const asking = asked.map(async (voters, i) => {
      await router.sleep(router.random.nextUint32() % 5)
      return endOf(router.node(i + 1).init(voters))
    })
    const ends = await Promise.all(asking)
    const said = `${JSON.stringify(asked)} ended in ${ends.join(', ')}`
    const clusterOf = (id: number): string | null | undefined => router.status(id)?.clusterId
    const votersOf = (id: number): string | undefined =>
      router
        .status(id)
        ?.cluster.members.toSorted((a, b) => a - b)
        .join()
    await router.until('members know their clusters', 10_000, () =>
      [1, 2, 3].every((id) => clusterOf(id) === null || votersOf(id)?.includes(`${id}`) === true),
    )
    assert.ok(ends.includes('ok'), said)
    for (const [i, voters] of asked.entries()) {
      const end = ends[i] ?? ''
      if (end !== 'ok') {
        assert.ok(CONFLICTS.includes(end), said)
        continue
      }
      assert.deepEqual(new Set(voters.map(votersOf)), new Set([voters.join()]), said)
      assert.equal(new Set(voters.map(clusterOf)).size, 1, said)
    }
    // Who belongs to a cluster was named in it, and it works.
    for (const id of [1, 2, 3]) {
      // Who was wanted for something that came to nothing is free again.
      if (clusterOf(id) === null) assert.equal(await endOf(router.node(id).init([id], { timeoutMs: 1_000 })), 'ok', said)
      else
        assert.ok(
          asked.some((voters, i) => ends[i] === 'ok' && voters.includes(id)),
          said,
        )
      assert.equal(await endOf(router.node(id).write(set('k', 'v'))), 'ok', said)
    }
  })
})

test('AspenRouter: whoever was to be a member of a cluster that was not founded is free at once', async () => {
  await explore({ seeds: volume(200, 40), nodes: 4, founders: 0 }, async (router) => {
    const ids = [1, 2, 3, 4]
    for (const id of ids) if (!router.isRunning(id)) router.start(id)
    await router.until('all are open', 10_000, () => ids.every((id) => router.status(id) !== null))
    await router.sleep(1_000)
    const ask = async (id: number, voters: number[]): Promise<string> => {
      await router.sleep(router.random.nextUint32() % 4)
      return endOf(router.node(id).init(voters))
    }
    // The first has the consent of node 2 when it hears that node 3 is taken.
    const ends = await Promise.all([ask(1, [1, 2, 3]), ask(3, [3, 4])])
    assert.equal(ends.filter((end) => end === 'ok').length, 1, ends.join())
    for (const id of ends[0] === 'ok' ? [4] : [2, 1]) {
      assert.equal(await endOf(router.node(id).init([id], { timeoutMs: 1_000 })), 'ok', `${ends.join()}, then node ${id}`)
    }
  })
})

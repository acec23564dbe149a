import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBetween } from '../../src/lib/index.ts'
import { explore, simulate } from '../../src/testing/index.ts'
import type { AspenRouter } from '../../src/testing/index.ts'
import { ELECTION_LIMIT_MS, endOf, leaderOf, oneLeaderForEachTerm, othersThan, readText, set } from './requests.ts'
import { volume } from '../volume.ts'

test('AspenRouter: a single node is a cluster, and comes back with what it has', async () => {
  await explore({ seeds: volume(10, 2), nodes: 1 }, async (router) => {
    assert.equal(router.leader, 1)
    const client = router.client()
    await client.write(set('k', 'v'))
    for (const kind of ['killed', 'power-cut'] as const) {
      router.crash(1, kind)
      assert.equal(await endOf(router.node(1).read('k')), 'NO_LEADER')
      router.start(1)
      assert.equal(await readText(client, 'k'), 'v')
    }
  })
})

for (const nodes of [3, 5]) {
  test(`AspenRouter: ${nodes} founders are voters of one cluster with one leader`, async () => {
    await explore({ seeds: volume(10, 2), nodes }, async (router) => {
      oneLeaderForEachTerm(router)
      await router.client().write(set('k', 'v'))
      await router.converged()
      for (const id of router.nodeIds) {
        const { members, learners } = await router.node(id).clusterState()
        assert.deepEqual([members, learners], [router.nodeIds, []])
        assert.equal(await router.node(id).leader(), router.leader)
        assert.deepEqual([...router.contents(id)], [['k', 'v']])
      }
    })
  })
}

test('AspenRouter: with no founders nobody is a member, and requests say so', async () => {
  await simulate({ seed: 1, founders: 0 }, async (router) => {
    await router.sleep(ELECTION_LIMIT_MS)
    assert.equal(router.leader, null)
    assert.equal(await endOf(router.node(1).write(set('k', 'v'))), 'NOT_INITIALIZED')
    await router.node(2).init([1, 2, 3])
    await router.node(1).write(set('k', 'v'))
    assert.equal(await readText(router.node(3), 'k'), 'v')
  })
})

test('AspenRouter: when the leader crashes another one is elected, in a later term, with all that was acknowledged', async () => {
  await explore({ seeds: volume(10, 2) }, async (router) => {
    oneLeaderForEachTerm(router)
    const client = router.client()
    await client.write(set('k', 'before'))
    const old = await leaderOf(router)
    const oldTerm = router.status(old)?.term ?? 0
    router.crash(old)
    const next = await leaderOf(router)
    assert.notEqual(next, old)
    assert.ok((router.status(next)?.term ?? 0) > oldTerm)
    assert.equal(await readText(client, 'k'), 'before')
    await client.write(set('k', 'after'))
    router.start(old)
    await router.converged()
    assert.equal(router.contents(old).get('k'), 'after')
  })
})

/** Starts writes at a leader that nobody hears, and resolves when all have ended: how each of them did. */
function writesAt(router: AspenRouter, nodeId: number, keys: readonly string[]): Promise<string[]> {
  return Promise.all(keys.map((key) => endOf(router.node(nodeId).write(set(key, 'of the old leader'), { timeoutMs: 3_000 }))))
}

test('AspenRouter: a leader that nobody hears answers no reads and acknowledges no writes; those are done everywhere or nowhere', async () => {
  await explore({ seeds: volume(10, 2) }, async (router) => {
    oneLeaderForEachTerm(router)
    const client = router.client()
    await client.write(set('k', 'old'))
    const old = await leaderOf(router)
    // Some of these are with the others already when the paths are cut, some are not.
    const doubtful = ['a', 'b', 'c', 'd']
    const under = writesAt(router, old, doubtful)
    await router.sleep(randomBetween(router.random, 0, 5))
    router.isolate(old)
    await router.sleep(10)
    const writes = writesAt(router, old, ['e', 'f'])
    const read = endOf(router.node(old).read('k', { timeoutMs: 3_000 }))
    const next = await leaderOf(router, [old])
    await router.node(next).write(set('k', 'new'))
    assert.ok(!(await writes).includes('ok'), 'the old leader acknowledged a write')
    const ends = await under
    assert.notEqual(await read, 'ok')
    assert.equal(router.contents(old).get('k'), 'old')

    router.heal()
    await router.converged()
    const [first, ...rest] = router.nodeIds.map((id) => [...router.contents(id)])
    for (const contents of rest) assert.deepEqual(contents, first)
    assert.equal(new Map(first).get('k'), 'new')
    for (const [i, key] of doubtful.entries()) {
      const found = await readText(client, key)
      assert.equal(found, new Map(first).get(key))
      if (ends[i] === 'ok') assert.equal(found, 'of the old leader')
    }
    for (const key of ['e', 'f']) assert.equal(await readText(client, key), undefined)
  })
})

test('AspenRouter: a minority refuses, and the majority goes on', async () => {
  await explore({ seeds: volume(10, 2), nodes: 5 }, async (router) => {
    oneLeaderForEachTerm(router)
    await router.client().write(set('k', 'old'))
    const leader = await leaderOf(router)
    const minority = [leader, othersThan(router, leader)[0] as number]
    const majority = othersThan(router, ...minority)
    router.partition(minority, majority)
    await leaderOf(router, minority)
    for (const id of majority) await router.node(id).write(set('k', `of ${id}`))
    const asked = minority.flatMap((id) => [
      endOf(router.node(id).write(set('k', 'of the minority'), { timeoutMs: 2_000 })),
      endOf(router.node(id).read('k', { timeoutMs: 2_000 })),
    ])
    assert.ok(!(await Promise.all(asked)).includes('ok'), 'the minority answered')
    for (const id of majority) assert.equal(await readText(router.node(id), 'k'), `of ${majority.at(-1)}`)
    router.heal()
    await router.converged()
    for (const id of router.nodeIds) assert.equal(router.contents(id).get('k'), `of ${majority.at(-1)}`)
  })
})

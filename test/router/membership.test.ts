import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterController, ClusterState } from '../../src/api/index.ts'
import { explore } from '../../src/testing/index.ts'
import type { AspenRouter } from '../../src/testing/index.ts'
import { endOf, keysOf, leaderOf, oneLeaderForEachTerm, othersThan, readText, set, untilKnown, writeMany } from './requests.ts'
import { volume } from '../volume.ts'

async function membersOf(node: ClusterController): Promise<readonly [readonly number[], readonly number[]]> {
  const { members, learners } = await node.clusterState()
  return [members, learners]
}

/** Changes the voters through whoever answers, again when that provably changed nothing or left it open. */
async function change(router: AspenRouter, members: readonly number[]): Promise<void> {
  for (;;) {
    const end = await endOf(router.node(await leaderOf(router)).changeMembership({ members }))
    if (end === 'ok') return
    await router.sleep(50)
  }
}

test('AspenRouter: a learner receives everything, and is no part of a majority', async () => {
  await explore({ seeds: volume(10, 4), nodes: 4, founders: 3 }, async (router) => {
    const client = router.client()
    await writeMany(client, 'k', 50)
    await router.node(1).addLearner(4)
    await router.converged()
    assert.deepEqual(await membersOf(router.node(4)), [[1, 2, 3], [4]])
    assert.equal(router.status(4)?.role, 'learner')
    assert.deepEqual([...router.contents(4)], [...router.contents(1)])
    const leader = await leaderOf(router)
    for (const id of othersThan(router, leader, 4)) router.crash(id)
    assert.notEqual(await endOf(router.node(leader).write(set('k', 'v'), { timeoutMs: 3_000 })), 'ok')
    router.heal()
    assert.equal(await readText(router.node(4), 'k49'), '49')
  })
})

test('AspenRouter: learners that are promoted carry the cluster', async () => {
  await explore({ seeds: volume(5, 1), nodes: 5, founders: 3 }, async (router) => {
    oneLeaderForEachTerm(router)
    const client = router.client()
    await writeMany(client, 'k', 20)
    for (const id of [4, 5]) await router.node(1).addLearner(id)
    await router.node(1).changeMembership({ members: [1, 2, 3, 4, 5] })
    assert.deepEqual(await membersOf(router.node(1)), [[1, 2, 3, 4, 5], []])
    const gone = [await leaderOf(router), ...othersThan(router, await leaderOf(router), 4, 5)].slice(0, 2)
    for (const id of gone) router.crash(id)
    await leaderOf(router)
    await client.write(set('k20', '20'))
    for (const key of keysOf('k', 21)) assert.notEqual(await readText(client, key), undefined)
  })
})

test('AspenRouter: a follower that is removed is asked no more, and disturbs nobody', async () => {
  await explore({ seeds: volume(10, 4) }, async (router) => {
    oneLeaderForEachTerm(router)
    const leader = await leaderOf(router)
    const [removed, kept] = othersThan(router, leader) as [number, number]
    await router.node(leader).changeMembership({ members: [leader, kept] })
    const term = router.status(leader)?.term
    await router.sleep(5_000)
    assert.equal(router.leader, leader)
    assert.equal(router.status(leader)?.term, term)
    router.crash(removed)
    await router.node(kept).write(set('k', 'v'))
    // A majority of the two that are left: without the other the leader is alone.
    router.crash(kept)
    router.start(removed)
    assert.notEqual(await endOf(router.node(leader).write(set('k', 'alone'), { timeoutMs: 3_000 })), 'ok')
  })
})

test('AspenRouter: when the leader removes itself another one leads, and it leads no more', async () => {
  await explore({ seeds: volume(10, 4) }, async (router) => {
    oneLeaderForEachTerm(router)
    const removed = await leaderOf(router)
    const kept = othersThan(router, removed)
    const client = router.client()
    await client.write(set('k', 'before'))
    await router.node(removed).changeMembership({ members: kept })
    const next = await leaderOf(router, [removed])
    await router.node(next).write(set('k', 'after'))
    for (const id of kept) {
      assert.deepEqual(await membersOf(router.node(id)), [kept, []])
      assert.equal(await readText(router.node(id), 'k'), 'after')
    }
    await router.sleep(3_000)
    assert.notEqual(router.status(removed)?.role, 'leader')
    assert.equal(router.leader, next)
  })
})

test('AspenRouter: a change of members under which the leader crashes happens everywhere or nowhere, and can be made again', async () => {
  let done = 0
  await explore({ seeds: volume(10, 4), nodes: 5, founders: 3 }, async (router) => {
    oneLeaderForEachTerm(router)
    const client = router.client()
    await writeMany(client, 'k', 20)
    const leader = await leaderOf(router)
    for (const id of [4, 5]) await router.node(leader).addLearner(id)
    const changing = endOf(router.node(leader).changeMembership({ members: [3, 4, 5] }))
    await router.sleep((router.random.nextUint32() % 10_000) / 1_000)
    router.crash(leader, 'power-cut')
    const end = await changing
    await leaderOf(router)
    router.start(leader)
    await router.converged()
    const [members] = await membersOf(router.node(3))
    if (end === 'ok') assert.deepEqual(members, [3, 4, 5])
    if (members.length === 3 && members.includes(4)) done++

    await change(router, [3, 4, 5])
    assert.deepEqual(await membersOf(router.node(await leaderOf(router))), [[3, 4, 5], []])
    router.crash(await leaderOf(router))
    await leaderOf(router)
    // Those that were removed hear of no new leader, and cannot answer.
    const later = router.client([3, 4, 5])
    await untilKnown(() => later.write(set('k', 'after')))
    for (const key of keysOf('k', 20)) assert.notEqual(await readText(later, key), undefined)
  })
  assert.ok(done > 0 && done < 10, `${done} of 10 changes survived the crash: they should be some, and not all`)
})

test('AspenRouter: of changes for one configuration that are asked for at the same time, at any nodes, one is made', async () => {
  const outcomes = new Set<string>()
  await explore({ seeds: volume(20, 6), nodes: 5, founders: 3 }, async (router) => {
    for (const id of [4, 5]) await router.node(1).addLearner(id)
    const { index, members } = await router.node(await leaderOf(router)).clusterState()
    assert.ok(index !== null && index > 1)
    const soon = async (change: () => Promise<ClusterState>): Promise<ClusterState> => {
      await router.sleep((router.random.nextUint32() % 2_000) / 1_000)
      return change()
    }
    const asked = [
      soon(() => router.node(1).changeMembership({ members: [1, 2, 3, 4], ifIndex: index })),
      soon(() => router.node(2).changeMembership({ members: [1, 2, 3, 5], ifMembers: members })),
      soon(() => router.node(3).changeMembership({ members: [1, 2], ifIndex: index, ifMembers: members })),
    ]
    const ends = await Promise.all(asked.map((end) => endOf(end)))
    assert.deepEqual(ends.toSorted(), ['MEMBERSHIP_CHANGED', 'MEMBERSHIP_CHANGED', 'ok'])
    const won = ends.indexOf('ok')
    const answer = await asked[won]
    const state = await router.node(await leaderOf(router)).clusterState()
    assert.deepEqual([state.members, state.learners, state.index], [answer?.members, answer?.learners, answer?.index])
    outcomes.add(state.members.join())
  })
  assert.ok(outcomes.size > 1, 'whoever is first is drawn from the seed')
})

test('AspenRouter: a voter that is removed while it is down hears so from a member, and says so to all who ask', async () => {
  await explore({ seeds: volume(10, 2) }, async (router) => {
    const leader = await leaderOf(router)
    const [removed, kept] = othersThan(router, leader) as [number, number]
    router.crash(removed)
    await change(router, [leader, kept])
    // The leader takes leave of whom it has removed for a while.
    await router.sleep(10_000)
    router.start(removed)
    await router.until('it knows', 1_000, () => {
      const checks = router.status(removed)?.checks ?? []
      return checks.some(({ name, ok }) => name === 'membership' && !ok)
    })
    const asked = router.now
    assert.equal(await endOf(router.node(removed).write(set('k', 'v'))), 'REMOVED')
    assert.equal(await endOf(router.node(removed).read('k')), 'REMOVED')
    assert.ok(router.now - asked < 100, 'nobody waits for a leader that will not come')
    // It asks nobody for a vote any more.
    const isQuiet = (): boolean => router.status(removed)?.role === 'learner' || router.status(removed)?.role === 'follower'
    let asks = 0
    for (let i = 0; i < 500; i++) {
      await router.sleep(20)
      if (!isQuiet()) asks++
    }
    assert.equal(asks, 0)
    // Added again under the same key it belongs to the cluster.
    await router.node(leader).addLearner(removed)
    await router.converged()
    assert.equal(await endOf(router.node(removed).write(set('k', 'v'))), 'ok')
  })
})

test('AspenRouter: a voter that has heard of its removal says so again after a restart', async () => {
  await explore({ seeds: volume(10, 3) }, async (router) => {
    const leader = await leaderOf(router)
    const [removed, kept] = othersThan(router, leader) as [number, number]
    await change(router, [leader, kept])
    const knows = (): boolean => (router.status(removed)?.checks ?? []).some(({ name, ok }) => name === 'membership' && !ok)
    await router.until('it knows', 10_000, knows)
    router.crash(removed)
    router.start(removed)
    await router.until('it knows again', 1_000, knows)
    const asked = router.now
    assert.equal(await endOf(router.node(removed).write(set('k', 'v'))), 'REMOVED')
    assert.equal(await endOf(router.node(removed).read('k')), 'REMOVED')
    assert.ok(router.now - asked < 100, 'nobody waits for a leader that will not come')
  })
})

/** Leadership that is handed over because somebody asks, and learners that become voters by the rules. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import { explore } from '../../src/testing/index.ts'
import { endOf, leaderOf, oneLeaderForEachTerm, othersThan, readText, set, writeMany } from './requests.ts'
import { volume } from '../volume.ts'

test('transferLeadership: whoever is asked, the voter that is named leads when it is answered, and no write fails', async () => {
  await explore({ seeds: volume(20, 2) }, async (router) => {
    oneLeaderForEachTerm(router)
    const client = router.client()
    const leader = await leaderOf(router)
    const target = othersThan(router, leader)[router.random.nextUint32() % 2] as number
    const asked = router.nodeIds[router.random.nextUint32() % 3] as number
    const writing = writeMany(client, 'k', 100, 5)
    await router.sleep(router.random.nextUint32() % 20)
    const before = router.now
    await router.node(asked).transferLeadership(target)
    assert.equal(router.status(target)?.role, 'leader')
    assert.ok(router.now - before < 1_000, 'nobody waits for an election timeout')
    await writing
    assert.equal(router.leader, target)
    // Asked again it is so already.
    await router.node(asked).transferLeadership(target)
    assert.equal(await readText(client, 'k99'), '99')
  })
})

test('transferLeadership: a voter that is down is not tried, says why, and no write waits for it', async () => {
  await explore({ seeds: volume(10, 1), nodes: 4, founders: 3 }, async (router) => {
    await router.node(1).addLearner(4)
    const leader = await leaderOf(router)
    const [down, other] = othersThan(router, leader, 4) as [number, number]
    router.crash(down)
    await router.sleep(50)
    const term = router.status(leader)?.term
    const refusal = router.node(other).transferLeadership(down, { timeoutMs: 2_000 })
    const asked = router.now
    await router.node(other).write(set('k', 'v'))
    assert.ok(router.now - asked < 100, 'a write is taken meanwhile')
    await assert.rejects(refusal, (error: unknown) => {
      assert.ok(error instanceof AspenError)
      assert.deepEqual(
        [error.code, error.details['reason'], error.details['connected']],
        ['TRANSFER_REFUSED', 'not_ready', false],
      )
      return true
    })
    assert.equal(await endOf(router.node(other).transferLeadership(4)), 'INVALID_REQUEST')
    assert.equal(await endOf(router.node(other).transferLeadership(9)), 'NODE_UNKNOWN')
    assert.deepEqual([router.leader, router.status(leader)?.term], [leader, term])
  })
})

test('promoteLearner: replaces a voter that is gone, and the cluster survives the loss of another one', async () => {
  await explore({ seeds: volume(10, 1), nodes: 4, founders: 3 }, async (router) => {
    oneLeaderForEachTerm(router)
    await router.node(1).addLearner(4)
    await router.converged()
    const leader = await leaderOf(router)
    const [gone, kept] = othersThan(router, leader, 4) as [number, number]
    router.crash(gone)
    const promote = { nodeId: 4, replace: gone, force: true }
    assert.equal(await endOf(router.node(kept).promoteLearner(promote)), 'PROMOTION_REFUSED', 'it was heard a moment ago')
    await router.sleep(4_000)
    const dry = await router.node(kept).promoteLearner({ ...promote, dryRun: true })
    assert.deepEqual((await router.node(leader).clusterState()).learners, [4])
    const state = await router.node(kept).promoteLearner(promote)
    const voters = [leader, kept, 4].toSorted((a, b) => a - b)
    assert.deepEqual([state.members, state.learners, dry.members], [voters, [], voters])
    router.crash(leader)
    await leaderOf(router)
    await router.node(kept).write(set('k', 'of two that are left'))
    router.start(gone)
    await router.until('it knows', 10_000, () =>
      (router.status(gone)?.checks ?? []).some((one) => one.name === 'membership' && !one.ok),
    )
  })
})

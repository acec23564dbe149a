/**
 * The kinds of chaos that the slow tests of this folder cause among real processes, in virtual time and over many seeds: in the
 * end every node holds every acknowledged write, and what was read and written on each shared key is linearizable.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chance, pick, randomBetween } from '../../src/lib/index.ts'
import { explore } from '../../src/testing/index.ts'
import type { AspenRouter, ExploreOptions } from '../../src/testing/index.ts'
import { RecordingClients } from '../router/recording-clients.ts'
import { endOf, leaderOf, oneLeaderForEachTerm, othersThan } from '../router/requests.ts'
import { volume } from '../volume.ts'

const SEEDS = volume(10, 1)

/** Some rounds of chaos under random load; then all is healed, and what the clients were told must be true on all nodes. */
async function survive(options: ExploreOptions, round: (router: AspenRouter) => Promise<void>, rounds = 5): Promise<void> {
  await explore({ seeds: SEEDS, ...options }, async (router) => {
    oneLeaderForEachTerm(router)
    const clients = new RecordingClients(router, { clients: 5 })
    clients.start()
    for (let i = 0; i < rounds; i++) await round(router)
    router.heal()
    const before = clients.acknowledged.size
    await router.until('writes are acknowledged again', 20_000, () => clients.acknowledged.size >= before + 10)
    await clients.stop()
    await router.converged()
    clients.verify()
  })
}

test('chaos: the leader crashes, again and again', async () => {
  await survive({}, async (router) => {
    const leader = await leaderOf(router)
    await router.sleep(randomBetween(router.random, 10, 200))
    router.crash(leader, chance(router.random, 0.5) ? 'killed' : 'power-cut')
    await leaderOf(router, [leader])
    await router.sleep(randomBetween(router.random, 0, 200))
    router.start(leader)
  })
})

test('chaos: the members change while nodes crash', async () => {
  await survive({ nodes: 5, founders: 3 }, async (router) => {
    const leader = await leaderOf(router)
    const others = othersThan(router, leader).filter((id) => id !== pick(router.random, othersThan(router, leader)))
    const members = [leader, ...others.slice(0, 2)].toSorted((a, b) => a - b)
    const changing = change(router, leader, members)
    await router.sleep(randomBetween(router.random, 0, 20))
    const victim = pick(router.random, router.nodeIds)
    router.crash(victim, 'power-cut')
    await changing
    router.start(victim)
  })
})

/** Every node that is no member yet becomes a learner first; a change that the crash undoes is undone. */
async function change(router: AspenRouter, leader: number, members: readonly number[]): Promise<void> {
  const node = router.node(leader)
  for (const id of router.nodeIds) {
    const known = router.status(leader)?.cluster
    if (known === undefined || known.members.includes(id) || known.learners.includes(id)) continue
    await endOf(node.addLearner(id, undefined, { timeoutMs: 1_000 }))
  }
  await endOf(node.changeMembership({ members }, { timeoutMs: 1_000 }))
}

test('chaos: messages are dropped', async () => {
  await survive({ network: { loss: 0.1 } }, async (router) => {
    router.trouble({ crash: 0.05 })
    await router.sleep(500)
  })
})

test('chaos: partitions come and go', async () => {
  await survive({ nodes: 5 }, async (router) => {
    router.trouble({ partition: 0.5 })
    await router.sleep(600)
  })
})

test('chaos: the network is slow', async () => {
  await survive({}, async (router) => {
    router.network({ latencyMinMs: 20, latencyMaxMs: randomBetween(router.random, 30, 80), bytesPerMs: 200 })
    router.trouble({ crash: 0.03, powerCut: 0.03 })
    await router.sleep(800)
  })
})

test('chaos: nodes fail one after the other, then all at once', async () => {
  const downs: number[] = []
  await survive(
    { nodes: 5 },
    async (router) => {
      for (const id of router.nodeIds) {
        router.crash(id)
        await router.sleep(randomBetween(router.random, 50, 200))
        router.start(id)
      }
      for (const id of router.nodeIds) router.crash(id, 'power-cut')
      downs.push(router.nodeIds.filter((id) => !router.isRunning(id)).length)
      for (const id of router.nodeIds.toReversed()) router.start(id)
      await leaderOf(router)
    },
    2,
  )
  assert.deepEqual(new Set(downs), new Set([5]))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore } from '../../src/testing/index.ts'
import type { AspenRouter, RouterOptions } from '../../src/testing/index.ts'
import { RecordingClients } from './recording-clients.ts'
import { leaderOf, oneLeaderForEachTerm, othersThan, set, untilKnown } from './requests.ts'
import { volume } from '../volume.ts'

/** Clients do what they do under some fault; then all is well again, and what they were told must be true. */
async function endure(router: AspenRouter, fault: () => Promise<void>): Promise<RecordingClients> {
  oneLeaderForEachTerm(router)
  const clients = new RecordingClients(router, { clients: 4 })
  clients.start()
  await fault()
  router.heal()
  await leaderOf(router)
  await router.client().write(set('healed', 'yes'))
  await clients.stop()
  await router.converged()
  clients.verify()
  return clients
}

/** With how long clients work there, in virtual milliseconds: where a message takes long they need long. */
const WORSE_NETWORKS: readonly (readonly [string, number, NonNullable<RouterOptions['network']>])[] = [
  ['that loses a tenth of all messages', 2_000, { loss: 0.1 }],
  ['that doubles and reorders messages', 1_000, { duplication: 0.2, reordering: 0.2 }],
  ['that loses, doubles and reorders messages', 1_000, { loss: 0.05, duplication: 0.05, reordering: 0.1 }],
  ['whose messages take 50 ms', 5_000, { latencyMinMs: 45, latencyMaxMs: 55 }],
  ['of 100 bytes a millisecond', 500, { bytesPerMs: 100 }],
]

for (const [name, forMs, network] of WORSE_NETWORKS) {
  test(`AspenRouter: a network ${name} costs time, and no promise`, async () => {
    await explore({ seeds: volume(5, 1) }, async (router) => {
      const clients = await endure(router, async () => {
        router.network(network)
        await router.sleep(forMs)
      })
      assert.ok(clients.acknowledged.size >= 10, `${clients.acknowledged.size} writes in ${forMs} ms: the cluster stood still`)
    })
  })
}

test('AspenRouter: a cluster forms over a network that loses a tenth of all messages', async () => {
  await explore({ seeds: volume(10, 2), network: { loss: 0.1 } }, async (router) => {
    await untilKnown(() => router.client().write(set('k', 'v')))
    await router.converged()
    for (const id of router.nodeIds) assert.equal(router.contents(id).get('k'), 'v')
  })
})

test('AspenRouter: partitions that come and go', async () => {
  await explore({ seeds: volume(5, 1), nodes: 5 }, async (router) => {
    await endure(router, async () => {
      for (let i = 0; i < 20; i++) {
        const alone = router.nodeIds.filter(() => router.random.nextUint32() % 3 === 0)
        router.partition(alone, othersThan(router, ...alone))
        await router.sleep(100)
        router.reunite()
        assert.equal(router.isPartitioned, false)
        await router.sleep(50)
      }
    })
  })
})

test('AspenRouter: crashes, power cuts and partitions at random', async () => {
  await explore({ seeds: volume(5, 1) }, async (router) => {
    let crashes = 0
    let running = 3
    router.always('counts crashes', () => {
      const now = router.nodeIds.filter((id) => router.isRunning(id)).length
      if (now < running) crashes++
      running = now
    })
    await endure(router, async () => {
      router.trouble({ crash: 0.1, powerCut: 0.1, partition: 0.1 })
      await router.sleep(2_000)
    })
    assert.ok(crashes > 0, 'nothing crashed: the scenario shows nothing')
    assert.equal(router.nodeIds.filter((id) => router.isRunning(id)).length, 3)
  })
})

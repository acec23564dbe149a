import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KvClient } from '../../src/api/index.ts'
import { explore } from '../../src/testing/index.ts'
import type { AspenRouter } from '../../src/testing/index.ts'
import { RecordingClients } from './recording-clients.ts'
import { keysOf, leaderOf, othersThan, readText, set, writeMany } from './requests.ts'
import { volume } from '../volume.ts'

/** More than the 1,000 entries that a node keeps behind its checkpoint, and the 200 between two checkpoints. */
const MORE_THAN_THE_LOG_KEEPS = 1_500

function holdsAll(router: AspenRouter, nodeId: number, keys: readonly string[]): void {
  const contents = router.contents(nodeId)
  assert.deepEqual(
    keys.filter((key) => !contents.has(key)),
    [],
    `acknowledged, and missing on node ${nodeId}`,
  )
}

test('AspenRouter: a follower that was away catches up from the log', async () => {
  await explore({ seeds: volume(10, 2) }, async (router) => {
    const client = router.client()
    const follower = othersThan(router, await leaderOf(router))[0] as number
    router.crash(follower, 'power-cut')
    await writeMany(client, 'k', 100)
    router.start(follower)
    await router.converged()
    holdsAll(router, follower, keysOf('k', 100))
    assert.equal(router.status(follower)?.snapshotsInstalled, 0)
  })
})

test('AspenRouter: a follower catches up by snapshot after the log was purged', async () => {
  await explore({ seeds: 3 }, async (router) => {
    const client = router.client()
    const leader = await leaderOf(router)
    const follower = othersThan(router, leader)[0] as number
    router.crash(follower)
    await writeMany(client, 'k', MORE_THAN_THE_LOG_KEEPS)
    assert.ok((router.status(leader)?.purgedIndex ?? 0) > 0, 'the log was not purged: the scenario shows nothing')
    router.start(follower)
    await router.converged()
    assert.ok((router.status(follower)?.snapshotsInstalled ?? 0) > 0, 'no snapshot was installed')
    assert.deepEqual([...router.contents(follower)], [...router.contents(leader)])
    holdsAll(router, follower, keysOf('k', MORE_THAN_THE_LOG_KEEPS))
  })
})

for (const nodes of [3, 5]) {
  test(`AspenRouter: a power cut of all ${nodes} nodes takes nothing that was acknowledged`, async () => {
    await explore({ seeds: volume(10, 2), nodes }, async (router) => {
      const clients = new RecordingClients(router, { clients: 4 })
      clients.start()
      await router.sleep(400)
      for (const id of router.nodeIds) router.crash(id, 'power-cut')
      const acknowledged = [...clients.acknowledged.keys()]
      assert.ok(acknowledged.length > 0, 'nothing was acknowledged: the scenario shows nothing')
      for (const id of router.nodeIds) router.start(id)
      await leaderOf(router)
      await clients.stop()
      await router.converged()
      for (const id of router.nodeIds) holdsAll(router, id, acknowledged)
      clients.verify()
    })
  })
}

test('AspenRouter: all nodes down and up in another order is the same cluster', async () => {
  await explore({ seeds: volume(10, 2) }, async (router) => {
    const client = router.client()
    await writeMany(client, 'k', 20)
    for (const id of router.nodeIds) {
      router.crash(id)
      await router.sleep(30)
    }
    assert.equal(router.leader, null)
    for (const id of router.nodeIds.toReversed()) {
      router.start(id)
      await router.sleep(200)
    }
    assert.equal(await readText(client, 'k19'), '19')
    await client.write(set('k20', '20'))
    await router.converged()
    for (const id of router.nodeIds) holdsAll(router, id, keysOf('k', 21))
  })
})

test('AspenRouter: a rolling restart under load takes nothing that was acknowledged', async () => {
  await explore({ seeds: volume(5, 1) }, async (router) => {
    const clients = new RecordingClients(router, { clients: 4 })
    clients.start()
    for (const id of router.nodeIds) {
      await router.sleep(300)
      router.crash(id)
      await router.sleep(300)
      router.start(id)
      await leaderOf(router)
      await router.until(`node ${id} has caught up`, 10_000, () => {
        const applied = router.status(id)?.appliedIndex ?? 0
        return applied > 0 && applied >= (router.status(router.leader ?? id)?.appliedIndex ?? 0) - 20
      })
    }
    await clients.stop()
    await router.converged()
    clients.verify()
  })
})

test('AspenRouter: pages of a scan across a change of leader show every key once, in order', async () => {
  await explore({ seeds: volume(10, 2) }, async (router) => {
    const keys = keysOf('k', 100).sort()
    await writeMany(router.client(), 'k', 100)
    const seen: string[] = []
    for await (const { key } of new KvClient(router.client()).entries({ prefix: 'k', limit: 10 })) {
      seen.push(new TextDecoder().decode(key))
      if (seen.length === 35) router.crash(await leaderOf(router))
    }
    assert.deepEqual(seen, keys)
    assert.equal(router.nodeIds.filter((id) => router.isRunning(id)).length, 2)
  })
})

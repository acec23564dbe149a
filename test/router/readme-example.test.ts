import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KvClient } from '../../src/index.ts'
import { explore, simulate } from '../../src/testing/index.ts'
import type { Program, Scenario } from '../../src/testing/index.ts'

// --- As the README shows it ---

const visit: Program = async ({ node, random, sleep }) => {
  const kv = new KvClient(node)
  await sleep(random.nextUint32() % 50)
  const visits = Number((await kv.getText('visits')) ?? 0)
  await kv.set('visits', String(visits + 1))
}

const everyVisitCounts: Scenario<void> = async (router) => {
  router.program('visit', visit)
  await router.sleep(1_000)
  assert.equal(await new KvClient(router.client()).getText('visits'), '3', 'a visit was lost')
}

// --- What it says about it ---

const mended: Program = async ({ node, random, sleep }) => {
  await sleep(random.nextUint32() % 50)
  for (;;) {
    const entry = await node.read('visits')
    const visits = Number(entry === undefined ? 0 : new TextDecoder().decode(entry.value))
    const unchanged = { key: 'visits', mod_revision: entry?.modRevision ?? 0 }
    const then = [{ Set: { key: 'visits', value: String(visits + 1) } }]
    const { txn } = await node.write({ Txn: { compare: [unchanged], then } })
    if (txn?.succeeded) return
  }
}

test('README: the simulator finds the seed under which a visit is lost, and the seed shows it again', async () => {
  let seed = 0
  await assert.rejects(explore({ seeds: 100 }, everyVisitCounts), (error) => {
    const told = /^SimulationFailure: seed (\d+): a visit was lost\n/.exec(String(error))
    seed = Number(told?.[1])
    return seed > 0
  })
  await assert.rejects(simulate({ seed }, everyVisitCounts), new RegExp(`^SimulationFailure: seed ${seed}: a visit was lost\n`))
})

test('README: no visit is lost once the program compares', async () => {
  await explore({ seeds: 20 }, async (router) => {
    router.program('visit', mended)
    await router.sleep(1_000)
    assert.equal(await new KvClient(router.client()).getText('visits'), '3')
  })
})

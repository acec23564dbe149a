import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { chance } from '../../src/lib/index.ts'
import { explore, simulate } from '../../src/testing/index.ts'
import type { AspenRouter } from '../../src/testing/index.ts'
import { LockProgram } from './lock-program.ts'
import { RecordingClients } from './recording-clients.ts'
import { leaderOf, set } from './requests.ts'
import { volume } from '../volume.ts'

test('explore: the same seed gives the same run, with clients, programs and every kind of trouble', async () => {
  await explore({ seeds: 2, nodes: 5, twice: true }, async (router) => {
    new LockProgram().install(router)
    const clients = new RecordingClients(router, { clients: 3 })
    clients.start()
    router.network({ loss: 0.02, duplication: 0.02, reordering: 0.05 })
    router.trouble({ crash: 0.1, powerCut: 0.1, partition: 0.1 })
    await router.sleep(1_000)
    router.heal()
    await leaderOf(router)
    await clients.stop()
  })
})

test('simulate: different seeds give different runs', async () => {
  const write = (router: AspenRouter): Promise<unknown> => router.client().write(set('k', 'v'))
  const hashes = new Set<string>()
  for (let seed = 1; seed <= 20; seed++) hashes.add((await simulate({ seed }, write)).hash)
  assert.equal(hashes.size, 20)
  assert.ok(hashes.has((await simulate({ seed: 20 }, write)).hash))
})

const TWO_RUNS_DIFFER = /^SimulationFailure: seed 1: two runs differ/

test('explore: catches a scenario that decides by randomness of its own', async () => {
  let coin = 0
  const decides = async (router: AspenRouter): Promise<void> => {
    // As a coin would, which happens to show both of its sides.
    if (coin++ % 2 === 0) await router.sleep(1)
    await router.client().write(set('k', 'v'))
  }
  await assert.rejects(explore({ seeds: 2, twice: true }, decides), TWO_RUNS_DIFFER)
  await explore({ seeds: volume(5, 1), twice: true }, async (router) => {
    if (chance(router.random, 0.5)) await router.sleep(1)
    await router.client().write(set('k', 'v'))
  })
})

test('explore: catches a scenario that writes what it draws elsewhere, though all writes are of one length', async () => {
  const writes = (router: AspenRouter): Promise<unknown> => router.client().write(set('k', randomUUID()))
  await explore({ seeds: 1 }, writes)
  await assert.rejects(explore({ seeds: 1, twice: true }, writes), TWO_RUNS_DIFFER)
})

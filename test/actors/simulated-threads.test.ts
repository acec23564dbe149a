import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exploreActors, simulateActors } from '../../src/testing/index.ts'
import { COUNTER } from '../actor/threads/worlds.ts'

test('simulateActors: an actor of a thread runs inline, in virtual time, with copied messages', async () => {
  const given = { list: [1] }
  const { value, virtualMs } = await simulateActors({ seed: 1 }, async (world) => {
    const ref = world.system.spawn(COUNTER, { name: 'counter', argument: 10 })
    const answer = await ref.call('scribble', { ...given, bytes: new Uint8Array(1) })
    world.crash(ref)
    await world.sleep(1_000)
    return [answer, await ref.call('add', 1)]
  })
  assert.deepEqual([value, given.list], [[{ list: [1, 99], bytes: new Uint8Array(1) }, 11], [1]])
  assert.equal(virtualMs >= 1_000, true)
})

test('exploreActors: actors of threads crash and are slow as others are, the same way each time', () =>
  exploreActors({ seeds: 10, twice: true }, async (world) => {
    const ref = world.system.spawn(COUNTER, { argument: 0 })
    world.trouble({ crash: 0.2, slow: 0.3, slowMs: 100 })
    for (let i = 0; i < 10; i++) await ref.call('add', 1).catch(() => undefined)
    world.heal()
    await world.sleep(300_000)
    assert.ok((await ref.call('get')).total <= 10)
  }))

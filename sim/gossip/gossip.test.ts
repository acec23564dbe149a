import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IS_FULL_VOLUME, volume } from '../../test/volume.ts'
import { MERGED_MS, MUTUAL_MS, REST_BYTES, runGossip } from './gossip-run.ts'
import { GossipWorld } from './gossip-world.ts'

test('gossip: under loss, lies, a cut, and addresses that change, everybody hears of everybody and believes nobody else', () => {
  const lied = new Set<string>()
  for (let seed = 1; seed <= volume(40, 5); seed++) {
    // Large worlds and long cuts are for those who ask for them.
    const report = runGossip({ seed, ...(IS_FULL_VOLUME ? {} : { nodes: 3 + seed, cutMs: 40_000 }) })
    for (const lie of report.lies) lied.add(lie)
  }
  assert.ok(lied.size >= volume(5, 2), 'there were liars')
})

test('gossip: a seed repeats a run', () => {
  const run = (): unknown => runGossip({ seed: 6, nodes: 5, lies: ['forge', 'invent'], cutMs: 10_000 })
  assert.deepEqual(run(), run())
})

test('gossip: 100 nodes that were told of one other each know each other in 30 seconds, and are sent 4 KB a second at rest', () => {
  const world = new GossipWorld({ seed: 1, nodes: 100, source: 'mdns' })
  world.start()
  const took = world.until(() => world.isMutual, MUTUAL_MS, 1_000)
  assert.ok(took !== null, 'some have not heard of each other')
  world.run(20_000)
  const { most } = world.restBytes(10_000)
  assert.ok(most > 100 && most <= REST_BYTES, `${most} bytes a second`)
})

test('gossip: strangers that were cut off each other for longer than strangers are remembered merge again', () => {
  const world = new GossipWorld({ seed: 3, nodes: 10, source: 'mdns' })
  world.start()
  world.run(30_000)
  world.cut((id) => id % 2 === 0)
  world.run(1_300_000)
  assert.ok(!world.isWhole)
  world.heal()
  assert.ok(world.until(() => world.isWhole, MERGED_MS) !== null, 'they have forgotten each other')
})

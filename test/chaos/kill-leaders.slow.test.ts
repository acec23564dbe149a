import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { checkLinearizable } from '../linearizability/index.ts'
import { Fleet } from './fleet.ts'
import { Load } from './load.ts'

const LOAD_MS = 60_000
const MIN_KILLS = 10
const BETWEEN_KILLS_MS = 2_000
const SETTLE_TIMEOUT_MS = 30_000

/** Kills whoever leads, again and again, and starts it again by the same command line. */
async function killLeaders(fleet: Fleet, until: number): Promise<number> {
  let kills = 0
  while (performance.now() < until || kills < MIN_KILLS) {
    const leader = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
    assert.ok(leader !== undefined, `no leader that all nodes know, ${kills} kills in`)
    await delay(BETWEEN_KILLS_MS)
    await fleet.kill(leader)
    kills++
    await delay(BETWEEN_KILLS_MS / 4)
    fleet.run(leader)
  }
  return kills
}

async function readEverything(fleet: Fleet, load: Load, keys: readonly string[]): Promise<void> {
  for (const { id, url } of fleet.nodes) {
    for (const key of keys) assert.ok(await load.read(1000 + id, url, key), `node ${id} does not serve ${key}`)
  }
}

test(
  'a cluster of three: stays linearizable while its leaders are killed under contended load',
  { timeout: 240_000 },
  async () => {
    const fleet = await Fleet.start(3)
    try {
      const keys = Array.from({ length: 20 }, (_, i) => `key-${i}`)
      const load = new Load({ urls: fleet.nodes.map(({ url }) => url), clients: 24, keys, seed: 1 })
      load.start()
      const kills = await killLeaders(fleet, performance.now() + LOAD_MS)
      assert.ok((await fleet.settledLeader(SETTLE_TIMEOUT_MS)) !== undefined, 'the cluster does not recover from the last kill')
      await load.stop()
      await readEverything(fleet, load, keys)
      const { ok, failed, unknown } = load.counts
      console.log(`${kills} leaders killed; ${ok} operations succeeded, ${failed} failed, ${unknown} of unknown outcome`)
      console.log(`longest gap between acknowledged writes: ${load.longestGapMs.toFixed(0)} ms`)
      assert.ok(kills >= MIN_KILLS)
      assert.ok(ok > 1000, `only ${ok} operations succeeded`)
      const verdict = checkLinearizable(load.history)
      assert.ok(verdict.ok, verdict.ok ? '' : verdict.report)
    } finally {
      await fleet.stop()
    }
  },
)

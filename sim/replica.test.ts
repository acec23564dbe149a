import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forkPrng } from '../src/simulation/index.ts'
import { Totals } from './campaign.ts'
import { runParallelCampaign } from './parallel-campaign.ts'
import { describeRun, FailedRun, runSeed } from './run.ts'
import type { RunReport } from './run.ts'
import type { Sabotage } from './sabotage.ts'
import { DEFAULT_SETTINGS } from './settings.ts'
import { drawPowerCuts } from './weather.ts'
import { IS_FULL_VOLUME, volume } from '../test/volume.ts'

const SEEDS = volume(500, 8)
const THREADS = 2
/** On an idle machine the full volume takes about one. */
const TIMEOUT_MS = 20 * 60_000

const promise = `Replica: keeps every promise in ${SEEDS} simulated worlds, twice in the same way, and comes across what it must survive`

test(promise, { timeout: TIMEOUT_MS }, async () => {
  const totals = new Totals()
  const onRun = (report: RunReport): void => {
    console.log(describeRun(report))
    totals.add(report)
  }
  await runParallelCampaign({ settings: { ...DEFAULT_SETTINGS, seed: 1 }, seeds: SEEDS, twice: true, onRun }, THREADS)
  console.log('in all', totals.counters)
  assert.equal(totals.seeds, SEEDS)
  const names = Object.keys(totals.counters)
  const missed = names.filter((name) => totals.counters[name] === 0)
  assert.ok(names.length > 0)
  // What is rare takes many seeds.
  const allowed = IS_FULL_VOLUME ? 0 : names.length / 5
  assert.ok(missed.length <= allowed, `${SEEDS} runs never came across: ${missed.join(', ')}`)
})

test('runSeed: makes the same run whether somebody looks or not, and another one of another seed', async () => {
  const run = await runSeed({ seed: 3 })
  assert.deepEqual(await runSeed({ seed: 3, keepLines: 10 }), run)
  assert.notEqual((await runSeed({ seed: 2 })).hash, run.hash)
})

/** The first run that fails among these seeds; undefined when all pass. */
async function firstFailure(sabotage: Sabotage, trustsDisks: boolean, seeds: number): Promise<FailedRun | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      await runSeed({ seed, sabotage, trustsDisks, faultsMs: 6000, weather: drawPowerCuts(forkPrng(seed, 'weather')) })
    } catch (error) {
      assert.ok(error instanceof FailedRun)
      return error
    }
  }
  return undefined
}

/** Seeds that suffice for the broken promise, and for what comes of it when nobody watches the promise itself. */
const PLANTED: Readonly<Record<Exclude<Sabotage, 'none'>, { promise: number; consequence: number }>> = {
  'lie-about-sync': { promise: 5, consequence: 5 },
  'acknowledge-before-sync': { promise: 5, consequence: 5 },
  'vote-before-sync': { promise: 20, consequence: 60 },
}

for (const [sabotage, seeds] of Object.entries(PLANTED) as [Exclude<Sabotage, 'none'>, (typeof PLANTED)['lie-about-sync']][]) {
  test(`runSeed: fails under the planted bug ${sabotage}`, async () => {
    assert.ok(await firstFailure(sabotage, true, seeds.promise), 'nobody noticed what the disk forgot')
    assert.ok(await firstFailure(sabotage, false, seeds.consequence), 'nobody noticed what came of it')
  })
}

test('runSeed: passes under the same power cuts when nothing is planted', async () => {
  assert.equal(await firstFailure('none', true, volume(20, 5)), undefined)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forkPrng } from '../src/simulation/index.ts'
import { describeRun, FailedRun, runSeed } from './run.ts'
import type { RunReport } from './run.ts'
import type { Sabotage } from './sabotage.ts'
import { drawPowerCuts } from './weather.ts'

const SEEDS = 500

test(`Replica: keeps every promise in ${SEEDS} simulated worlds, and comes across what it must survive`, async () => {
  const total: Partial<Record<keyof RunReport['counters'], number>> = {}
  for (let seed = 1; seed <= SEEDS; seed++) {
    const report = await runSeed({ seed })
    console.log(describeRun(report))
    for (const name of Object.keys(report.counters) as (keyof RunReport['counters'])[]) {
      total[name] = (total[name] ?? 0) + report.counters[name]
    }
  }
  console.log('in all', total)
  for (const [name, count] of Object.entries(total)) assert.ok(count > 0, `${SEEDS} runs never came across: ${name}`)
})

test('runSeed: repeats a run bit for bit', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    assert.deepEqual(await runSeed({ seed }), await runSeed({ seed }))
  }
  // Looking does not change what happens.
  assert.deepEqual(await runSeed({ seed: 3, keepLines: 10 }), await runSeed({ seed: 3 }))
  assert.notEqual((await runSeed({ seed: 1 })).hash, (await runSeed({ seed: 2 })).hash)
})

/** The properties that runs with a planted bug violate; null for failures of another kind. */
async function violations(sabotage: Sabotage, trustsDisks: boolean, seeds: number): Promise<(string | null)[]> {
  const found: (string | null)[] = []
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      await runSeed({ seed, sabotage, trustsDisks, faultsMs: 6000, weather: drawPowerCuts(forkPrng(seed, 'weather')) })
    } catch (error) {
      assert.ok(error instanceof FailedRun)
      found.push(error.property)
    }
  }
  return found
}

/** Seeds that suffice for the broken promise, and for what comes of it when nobody watches the promise itself. */
const PLANTED: Readonly<Record<Exclude<Sabotage, 'none'>, { promise: number; consequence: number }>> = {
  'lie-about-sync': { promise: 5, consequence: 5 },
  'acknowledge-before-sync': { promise: 5, consequence: 5 },
  'vote-before-sync': { promise: 20, consequence: 60 },
}

for (const [sabotage, seeds] of Object.entries(PLANTED) as [Exclude<Sabotage, 'none'>, (typeof PLANTED)['lie-about-sync']][]) {
  test(`runSeed: fails under the planted bug ${sabotage}`, async () => {
    assert.ok((await violations(sabotage, true, seeds.promise)).length > 0, 'nobody noticed what the disk forgot')
    assert.ok((await violations(sabotage, false, seeds.consequence)).length > 0, 'nobody noticed what came of it')
  })
}

test('runSeed: passes under the same power cuts when nothing is planted', async () => {
  assert.deepEqual(await violations('none', true, 20), [])
})

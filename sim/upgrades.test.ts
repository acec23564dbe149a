import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forkPrng } from '../src/simulation/index.ts'
import { runSeed } from './run.ts'
import { drawWeather } from './weather.ts'

const SEEDS = 3

test('runSeed: programs of two versions go forth and back under load, the version is raised, and only then used', async () => {
  const met = { upgrades: 0, downgrades: 0, versionsRaised: 0, laterCommands: 0 }
  for (let seed = 1; seed <= SEEDS; seed++) {
    const weather = { ...drawWeather(forkPrng(seed, 'weather'), 'lite'), upgraded: 0.5, clients: 3 }
    const { counters } = await runSeed({ seed, weather, faultsMs: 4_000 })
    for (const name of Object.keys(met) as (keyof typeof met)[]) met[name] += counters[name]
  }
  for (const [name, count] of Object.entries(met)) assert.ok(count > 0, `${name}: none in ${SEEDS} runs`)
})

test('runSeed: without upgrades there are none', async () => {
  const weather = { ...drawWeather(forkPrng(1, 'weather'), 'lite'), upgraded: 0 }
  const { counters } = await runSeed({ seed: 1, weather, faultsMs: 500 })
  assert.deepEqual([counters.upgrades, counters.versionsRaised, counters.laterCommands], [0, 0, 0])
})

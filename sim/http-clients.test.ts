import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forkPrng } from '../src/simulation/index.ts'
import { runSeed } from './run.ts'
import type { RunReport } from './run.ts'
import { drawWeather } from './weather.ts'
import { volume } from '../test/volume.ts'

const SEEDS = volume(6, 3)

/** A run of the swarm in which every client asks over HTTP. */
function runOverHttp(seed: number, brokenRequest: number): Promise<RunReport> {
  return runSeed({ seed, weather: { ...drawWeather(forkPrng(seed, 'weather')), httpClients: 0.99, brokenRequest } })
}

test('HttpClients: carry a whole run, which is the same whatever ran before it', async () => {
  const first: RunReport[] = []
  for (let seed = 1; seed <= SEEDS; seed++) first.push(await runOverHttp(seed, 0.1))
  for (let seed = SEEDS; seed >= 1; seed--) assert.deepEqual(await runOverHttp(seed, 0.1), first[seed - 1])
  for (const { seed, clients, counters } of first) {
    assert.ok(clients.ok >= 20, `seed ${seed}`)
    assert.ok(counters.httpRequests >= clients.ok, `seed ${seed}`)
    assert.equal(counters.retriesElsewhere, 0, 'somebody did not ask over HTTP')
  }
  for (const name of ['httpRetries', 'httpUnknown', 'originsRecognised'] as const) {
    assert.ok(
      first.some(({ counters }) => counters[name] > 0),
      name,
    )
  }
})

test('HttpClients: ask nobody when the weather has none of them', async () => {
  const { counters } = await runSeed({ seed: 1, calm: ['httpClients'] })
  assert.deepEqual([counters.httpRequests, counters.httpRetries, counters.httpUnknown, counters.originsRecognised], [0, 0, 0, 0])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forkPrng } from '../src/simulation/index.ts'
import { drawWeather, PROFILES } from './weather.ts'
import type { Weather } from './weather.ts'

const DRAWS = 300
/** Numbers that say how much of something there is, not how likely a trouble is. */
const AMOUNTS = new Set(['founders', 'spares', 'clients', 'keys', 'thinkMs', 'retainedEntries', 'checkpointIntervalEntries'])

function troubles(weather: Weather): [string, number][] {
  return Object.entries(weather).filter(([name, value]) => typeof value === 'number' && !AMOUNTS.has(name)) as [string, number][]
}

test('drawWeather: leaves out each kind of trouble in about half of the swarm, and draws the rate of the others', () => {
  const rates = new Map<string, number[]>()
  for (let seed = 0; seed < DRAWS; seed++) {
    for (const [name, rate] of troubles(drawWeather(forkPrng(seed, 'weather'), 'swarm', 3))) {
      rates.set(name, [...(rates.get(name) ?? []), rate])
    }
  }
  assert.ok(rates.size >= 20)
  for (const [name, drawn] of rates) {
    const share = drawn.filter((rate) => rate > 0).length / DRAWS
    assert.ok(share > 0.35 && share < 0.65, `${name}: in ${share} of the runs`)
    assert.ok(drawn.every((rate) => rate >= 0 && rate < 1))
  }
})

test('drawWeather: gives performance no trouble but load, and lite nothing that takes a node for good', () => {
  for (let seed = 0; seed < DRAWS; seed++) {
    const performance = drawWeather(forkPrng(seed, 'weather'), 'performance')
    const met = troubles(performance).filter(([, rate]) => rate > 0)
    assert.deepEqual(met.map(([name]) => name).toSorted(), ['retry', 'scan', 'transaction'])
    assert.equal(performance.network.loss, 0)
    const lite = drawWeather(forkPrng(seed, 'weather'), 'lite')
    assert.ok(performance.clients > lite.clients && performance.keys > lite.keys)
    assert.ok(lite.killed > 0 && lite.brokenLink > 0)
    assert.equal(lite.blackout + lite.lostDisk + lite.bitFlip + lite.failingDisk + lite.fullDisk, 0)
  }
})

test('drawWeather: founds the cluster with as many nodes as it is told, and draws the rest as before', () => {
  for (const profile of PROFILES) {
    const drawn = drawWeather(forkPrng(7, 'weather'), profile)
    assert.deepEqual(drawWeather(forkPrng(7, 'weather'), profile, 9), { ...drawn, founders: 9 })
  }
})

test('drawWeather: takes no disk from a cluster that cannot do without one', () => {
  for (let seed = 0; seed < DRAWS; seed++) {
    const { bitFlip, lostDisk } = drawWeather(forkPrng(seed, 'weather'), 'swarm', 2)
    assert.equal(bitFlip + lostDisk, 0)
  }
})

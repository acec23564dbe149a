import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { keepInFlight, measure, median, quantile, repeatFor, summarise } from '../../bench/measure.ts'

const POINT = { benchmark: 'b', point: 'p', unit: 'things' }

describe('quantile', () => {
  test('quantile: is the smallest value that enough values do not exceed', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i)
    assert.equal(quantile(values, 0.5), 50)
    assert.equal(quantile(values, 0.99), 99)
    assert.equal(quantile(values, 0), 1)
    assert.equal(quantile(values, 1), 100)
    assert.equal(quantile([7], 0.99), 7)
    assert.throws(() => quantile([], 0.5), RangeError)
  })

  test('median: is the middle one of an odd number, and the mean of two of an even one', () => {
    assert.equal(median([9, 1, 5]), 5)
    assert.equal(median([9, 1, 5, 6]), 5.5)
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 30 }), (values) => {
        const sorted = values.toSorted((a, b) => a - b)
        const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]]
        assert.equal(median(values), ((low as number) + (high as number)) / 2)
      }),
    )
  })
})

describe('summarise', () => {
  test('summarise: takes rates over rounds and latencies over all of them', () => {
    const rounds = [
      { operations: 10, elapsedMs: 100, latenciesMs: [1, 2] },
      { operations: 30, elapsedMs: 100, latenciesMs: [3, 4] },
      { operations: 20, elapsedMs: 100, latenciesMs: [] },
    ]
    assert.deepEqual(summarise(POINT, rounds), { ...POINT, median: 200, slowest: 100, fastest: 300, p50Ms: 2, p99Ms: 4 })
  })

  test('summarise: says nothing of latencies that nobody took', () => {
    assert.deepEqual(Object.keys(summarise(POINT, [{ operations: 1, elapsedMs: 1 }])).includes('p50Ms'), false)
  })
})

describe('measure', () => {
  test('measure: leaves the warm-up out, and clears up after every run', async () => {
    const durations: number[] = []
    let cleared = 0
    const run = (durationMs: number) => {
      durations.push(durationMs)
      return { operations: durationMs === 7 ? 1_000_000 : 5, elapsedMs: 1000 }
    }
    const result = await measure({ warmupMs: 7, roundMs: 9, rounds: 3 }, POINT, run, () => {
      cleared++
    })
    assert.deepEqual(durations, [7, 9, 9, 9])
    assert.equal(cleared, 4)
    assert.equal(result.fastest, 5)
  })

  test('repeatFor: counts what was done, and does it at least once', () => {
    assert.equal(repeatFor(0, () => 12).operations, 12)
  })

  test('keepInFlight: has as many operations under way as it was told, never more', async () => {
    let running = 0
    let most = 0
    const lanes = new Set<number>()
    const round = await keepInFlight(0, 8, async (lane) => {
      lanes.add(lane)
      most = Math.max(most, ++running)
      await Promise.resolve()
      running--
    })
    assert.equal(most, 8)
    assert.equal(lanes.size, 8)
    assert.equal(round.operations, 8)
    assert.equal(round.latenciesMs?.length, 8)
  })

  test('keepInFlight: fails when an operation does', async () => {
    await assert.rejects(
      keepInFlight(0, 2, () => Promise.reject(new Error('refused'))),
      /refused/,
    )
  })
})

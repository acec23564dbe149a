/** Every benchmark runs, with next to no time to measure in: it must not rot. What it measures is nobody's business here. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BENCHMARKS } from '../../bench/benchmarks.ts'
import type { Budget, Result } from '../../bench/measure.ts'
import { parseSelection } from '../../bench/run.ts'
import { tableRow } from '../../bench/table.ts'
import { IS_FULL_VOLUME, volume } from '../volume.ts'

/** Of each benchmark: CI goes through all of them. */
const POINTS = volume(Number.POSITIVE_INFINITY, 3)
/** They start clusters of processes, and what they measure with measures in others too. */
const DEAR: ReadonlySet<string> = new Set(['client', 'cluster'])
const CHOSEN = [...BENCHMARKS].filter(([name]) => IS_FULL_VOLUME || !DEAR.has(name))
const BUDGET: Budget = { warmupMs: 1, roundMs: 1, rounds: 1 }

describe('benchmarks', () => {
  for (const [name, benchmark] of CHOSEN) {
    test(`${name}: reports a rate for every point`, async () => {
      const results: Result[] = []
      const enough = new Error('enough points')
      await benchmark(BUDGET, (result) => {
        results.push(result)
        if (results.length >= POINTS) throw enough
      }).catch((error: unknown) => {
        if (error !== enough) throw error
      })
      assert.ok(results.length >= 3)
      assert.equal(new Set(results.map(({ point }) => point)).size, results.length)
      for (const result of results) {
        assert.equal(result.benchmark, name)
        assert.ok(result.median > 0 && Number.isFinite(result.median), `${result.point}: ${result.median}`)
        assert.ok(tableRow(result).includes(result.point))
      }
    })
  }
})

describe('parseSelection', () => {
  test('parseSelection: takes everything when nothing is named, and keeps the order of the list', () => {
    assert.deepEqual(parseSelection([]).names, [...BENCHMARKS.keys()])
    assert.deepEqual(parseSelection(['log', 'core']).names, ['core', 'log'])
  })

  test('parseSelection: takes rounds and their length', () => {
    assert.deepEqual(parseSelection(['--rounds', '9', '--round-ms', '1000']).budget, { warmupMs: 1000, roundMs: 1000, rounds: 9 })
  })

  test('parseSelection: refuses what it does not know', () => {
    assert.throws(() => parseSelection(['disk']), /there is no benchmark disk: there are core,/)
    assert.throws(() => parseSelection(['--rounds', '0']), /--rounds is 0/)
    assert.throws(() => parseSelection(['--quick']), /--quick/)
  })
})

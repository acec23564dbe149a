import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runParallelCampaign } from './parallel-campaign.ts'
import { FailedRun, runSeed } from './run.ts'
import type { RunReport } from './run.ts'
import { DEFAULT_SETTINGS } from './settings.ts'
import { ThreadProgress } from './thread-progress.ts'
import { IS_FULL_VOLUME, volume } from '../test/volume.ts'

const SETTINGS = { ...DEFAULT_SETTINGS, profile: 'lite', faultsMs: 100 } as const
const figures = await runSeed({ ...SETTINGS, seed: 1 })

function failureOf(seed: number): FailedRun {
  return new FailedRun({ ...SETTINGS, seed }, new Error('made up'), figures, [])
}

test('ThreadProgress: waits for threads at lower seeds than one that fails, and for no others', () => {
  const progress = new ThreadProgress([10, 11, 12], 3)
  progress.passed(2, 12)
  progress.failed(1, failureOf(11))
  assert.equal(progress.isOver, false, 'the first thread is at seed 10')
  progress.failed(0, failureOf(10))
  assert.equal(progress.isOver, true, 'the third is at seed 15')
  assert.equal(progress.lowest?.seed, 10)
})

test('ThreadProgress: keeps the lowest seed, whichever fails first', () => {
  const progress = new ThreadProgress([1, 2], 2)
  for (const seed of [1, 3, 5]) progress.passed(0, seed)
  progress.failed(0, failureOf(7))
  progress.passed(1, 2)
  assert.equal(progress.isOver, false)
  progress.failed(1, failureOf(4))
  assert.deepEqual([progress.isOver, progress.lowest?.seed], [true, 4])
  const other = new ThreadProgress([1, 2], 2)
  other.failed(0, failureOf(1))
  other.failed(1, failureOf(2))
  assert.equal(other.lowest?.seed, 1)
})

test('ThreadProgress: is over when every thread has done its seeds', () => {
  const progress = new ThreadProgress([1, 2], 2)
  progress.ended(0, 0)
  assert.equal(progress.isOver, false)
  progress.ended(1, 0)
  assert.deepEqual([progress.isOver, progress.lowest], [true, null])
})

test('runParallelCampaign: runs every seed once, whatever the number of threads', async () => {
  const seeds = Array.from({ length: volume(5, 2) }, (_, i) => 20 + i)
  // Each thread loads the whole program again.
  for (const jobs of IS_FULL_VOLUME ? [2, seeds.length + 2] : [seeds.length + 1]) {
    const reports: RunReport[] = []
    await runParallelCampaign(
      { settings: { ...SETTINGS, seed: 20 }, seeds: seeds.length, twice: false, onRun: (report) => void reports.push(report) },
      jobs,
    )
    assert.deepEqual(new Set(reports.map(({ seed }) => seed)), new Set(seeds))
    assert.equal(reports.length, seeds.length)
  }
})

test('runParallelCampaign: a thread that ends before its seeds are done is an error that names the seed', async () => {
  const ends: readonly (readonly [string, RegExp])[] = [
    ['process.exit(3)', /^Error: seed 6: its thread has ended with exit code 3$/],
    ['await new Promise(() => {})', /^Error: seed 6: its thread has ended with exit code 13: the run waits for a promise/],
  ]
  for (const [end, message] of ends) {
    const program = new URL(
      `data:text/javascript,${encodeURIComponent(`
        import { workerData } from 'node:worker_threads'
        if (workerData.settings.seed === 6) ${end}
      `)}`,
    )
    const options = { settings: { ...SETTINGS, seed: 5 }, seeds: 2, twice: false, onRun: () => undefined }
    await assert.rejects(runParallelCampaign(options, 2, program), message)
  }
})

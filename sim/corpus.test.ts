/** Every seed that ever failed, with what it had found. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { IS_FULL_VOLUME } from '../test/volume.ts'
import { runSeed } from './run.ts'
import type { Settings } from './settings.ts'

interface CorpusEntry {
  readonly settings: Settings
  /** What was wrong, and in which commit it was mended. */
  readonly found: string
}

const CORPUS = JSON.parse(readFileSync(join(import.meta.dirname, 'corpus.json'), 'utf8')) as readonly CorpusEntry[]

for (const { settings, found } of CORPUS) {
  test(`corpus: seed ${settings.seed} of ${settings.profile} holds, which once found: ${found}`, async () => {
    const first = await runSeed(settings)
    // Whether a run can be repeated is what the simulated worlds are asked, in both volumes.
    if (!IS_FULL_VOLUME) return
    const second = await runSeed(settings)
    assert.deepEqual([first.hash, first.nextRandom], [second.hash, second.nextRandom])
  })
}

test('corpus: names what each seed had found', () => {
  for (const { found } of CORPUS) assert.ok(found.length > 10, found)
})

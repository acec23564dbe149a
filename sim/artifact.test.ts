import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { describeFailure, readSettings, writeArtifact } from './artifact.ts'
import type { Artifact } from './artifact.ts'
import { forkPrng } from '../src/simulation/index.ts'
import { UsageError } from './options.ts'
import { SafetyViolation } from './invariants.ts'
import { FailedRun, runSeed } from './run.ts'
import { DEFAULT_SETTINGS } from './settings.ts'
import type { Settings } from './settings.ts'
import { attempt, shrink } from './shrink.ts'
import { drawPowerCuts } from './weather.ts'

const folder = mkdtempSync(join(tmpdir(), 'aspen-artifact-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** A run over disks that report as durable what is not. */
async function failing(): Promise<FailedRun> {
  for (let seed = 1; seed <= 20; seed++) {
    try {
      await runSeed({
        seed,
        sabotage: 'lie-about-sync',
        faultsMs: 6000,
        weather: drawPowerCuts(forkPrng(seed, 'weather')),
        keepLines: 50,
      })
    } catch (error) {
      if (error instanceof FailedRun) return error
      throw error
    }
  }
  return assert.fail('no seed noticed that the disks lie')
}

function refusal(text: string): string {
  const path = join(folder, 'other.json')
  writeFileSync(path, text)
  try {
    readSettings(path)
  } catch (error) {
    assert.ok(error instanceof UsageError)
    return error.message
  }
  return assert.fail(`read ${text}`)
}

test('writeArtifact: keeps what was run, on what code, how it ended and what happened last', async () => {
  const failure = await failing()
  const path = writeArtifact(join(folder, 'made'), describeFailure(failure, 'abc+', 12.7))
  const artifact = JSON.parse(readFileSync(path, 'utf8')) as Artifact
  assert.equal(artifact.runId, `swarm-${failure.seed}-${failure.figures.hash}`)
  assert.deepEqual([artifact.commit, artifact.status, artifact.realMs], ['abc+', 'failed', 13])
  assert.deepEqual(artifact.error, { kind: failure.kind, property: failure.property, message: failure.message })
  assert.equal(artifact.simulatedMs, failure.figures.virtualMs)
  assert.ok(artifact.simulatedMs > 0 && artifact.metrics.counters.crashes > 0)
  assert.ok(artifact.events.length > 0 && artifact.events.length <= 50)
  assert.deepEqual(readSettings(path), failure.settings)
})

test('readSettings: says what is wrong with a file that is no artifact of this version', () => {
  assert.match(refusal('not json'), /is not JSON/)
  assert.match(refusal('null'), /is not JSON/)
  assert.match(refusal('{}'), /is no artifact of a simulation/)
  assert.match(refusal('{"format":"aspen-simulation","version":2}'), /is an artifact of version 2, and this program reads 1/)
  const damaged = { seed: 1, profile: 'storm' }
  assert.match(refusal(JSON.stringify({ format: 'aspen-simulation', version: 1, settings: damaged })), /its settings are damaged/)
  assert.throws(() => readSettings(join(folder, 'missing.json')), /cannot read .*missing\.json/)
})

test('shrink: finds a smaller run that fails in the same way, and none of another way', async () => {
  const settings: Settings = { ...DEFAULT_SETTINGS, seed: 1 }
  const figures = await runSeed({ ...settings, profile: 'lite', faultsMs: 100 })
  const first = new FailedRun(settings, new SafetyViolation('log matching', 'made up'), figures, [])
  // Fails whenever there is half a second of trouble with kills in it, whoever is asked.
  const { failure, runs } = await shrink(first, async (tried) => {
    const fails = tried.faultsMs >= 500 && !tried.calm.includes('killed')
    return fails ? new FailedRun(tried, first.cause, figures, []) : null
  })
  assert.equal(failure.settings.faultsMs, 500)
  assert.ok(!failure.settings.calm.includes('killed'))
  assert.ok(runs > 0 && runs <= 200)
  const other = await shrink(first, async (tried) => new FailedRun(tried, new Error('something else'), figures, []))
  assert.deepEqual(other.failure.settings, first.settings)
})

test('attempt: is null for a clean run', async () => {
  assert.equal(await attempt({ seed: 1, profile: 'lite', nodes: 3, clients: 2, faultsMs: 500, calm: [] }, 0), null)
})

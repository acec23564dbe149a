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

function artifactOf(settings: unknown): string {
  return JSON.stringify({ format: 'aspen-simulation', version: 1, settings })
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
  for (const damage of [{ profile: 'storm' }, { nodes: 0 }, { clients: 65 }, { faultsMs: 0 }, { seed: -1 }, { calm: 'killed' }]) {
    assert.match(refusal(artifactOf({ seed: 1, ...damage })), /its settings are damaged/)
  }
  for (const settings of [undefined, null, 7]) assert.match(refusal(artifactOf(settings)), /its settings are damaged/)
  assert.throws(() => readSettings(join(folder, 'missing.json')), /cannot read .*missing\.json/)
})

test('readSettings: refuses to leave out what is no kind of trouble, and lists those there are', () => {
  assert.match(
    refusal(artifactOf({ seed: 1, calm: ['killed', 'network'] })),
    /other\.json: there is no trouble "network": choose from killed, powerCut, .*retry/,
  )
  assert.match(refusal(artifactOf({ seed: 1, calm: [null] })), /there is no trouble null: choose from/)
})

test('readSettings: takes what an artifact does not say for the standard', () => {
  const path = join(folder, 'short.json')
  writeFileSync(path, artifactOf({ seed: 4, calm: ['killed'] }))
  assert.deepEqual(readSettings(path), { ...DEFAULT_SETTINGS, seed: 4, calm: ['killed'] })
})

test('shrink: finds a smaller run that fails in the same way, and none of another way', async () => {
  const settings: Settings = { ...DEFAULT_SETTINGS, seed: 1 }
  const figures = await runSeed({ ...settings, profile: 'lite', faultsMs: 100 })
  const cause = new SafetyViolation('log matching', 'made up')
  const first = { failure: new FailedRun(settings, cause, figures, []), realMs: 900 }
  // Fails whenever there is half a second of trouble with kills in it, whoever is asked.
  const { failure, realMs, runs } = await shrink(first, async (tried) => {
    const fails = tried.faultsMs >= 500 && !tried.calm.includes('killed')
    return fails ? { failure: new FailedRun(tried, cause, figures, []), realMs: tried.faultsMs / 10 } : null
  })
  assert.equal(failure.settings.faultsMs, 500)
  assert.equal(realMs, 50, 'the time of the run that is left')
  assert.ok(!failure.settings.calm.includes('killed'))
  assert.ok(runs > 0 && runs <= 200)
  const other = await shrink(first, async (tried) => {
    return { failure: new FailedRun(tried, new Error('something else'), figures, []), realMs: 1 }
  })
  assert.deepEqual(other.failure.settings, settings)
  assert.equal(other.realMs, 900)
})

test('attempt: is null for a clean run', async () => {
  assert.equal(await attempt({ seed: 1, profile: 'lite', nodes: 3, clients: 2, faultsMs: 500, calm: [] }, 0), null)
})

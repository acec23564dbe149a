import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { describeFailure, writeArtifact } from './artifact.ts'
import { FailedRun, runSeed } from './run.ts'
import { DEFAULT_SETTINGS } from './settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'aspen-sim-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function sim(...args: readonly string[]): Outcome {
  return spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { encoding: 'utf8' })
}

test('npm run sim: says how a seed went', () => {
  const { status, stdout, stderr } = sim('--seed', '123', '--nodes', '5', '--profile', 'swarm', '--faults-ms', '1000')
  assert.equal(status, 0, stderr)
  assert.match(stdout, /^seed 123 [0-9a-f]{16}: .*commits/)
  assert.match(stdout, /1 of 1 seeds clean/)
})

test('npm run sim: prints the same trace twice, and nothing else', () => {
  const once = sim('--seed', '5', '--trace', '--faults-ms', '500')
  assert.equal(once.status, 0, once.stderr)
  assert.ok(once.stdout.split('\n').length > 100)
  assert.match(once.stdout, /^0\.000 n1 starts/)
  assert.equal(sim('--seed', '5', '--trace', '--faults-ms', '500').stdout, once.stdout)
})

test('npm run sim: runs several seeds twice each, and counts what they came across', () => {
  const { status, stdout, stderr } = sim('--seed', '1000', '--seeds', '3', '--twice', '--faults-ms', '1000')
  assert.equal(status, 0, stderr)
  assert.match(stdout, /3 of 3 seeds clean, [\d.]+ a second, [\d.]+ simulated hours/)
  assert.match(stdout, /leaderChanges +\d+/)
})

test('npm run sim: comes across the same on two threads', () => {
  const args = ['--seed', '30', '--seeds', '5', '--profile', 'lite', '--faults-ms', '500']
  const counted = (outcome: Outcome): string[] => {
    assert.equal(outcome.status, 0, outcome.stderr)
    assert.match(outcome.stdout, /5 of 5 seeds clean/)
    return outcome.stdout.split('\n').filter((line) => line.startsWith('  '))
  }
  assert.deepEqual(counted(sim(...args, '--jobs', '2')), counted(sim(...args)))
})

test('npm run sim: replays what an artifact describes', async () => {
  const settings = { ...DEFAULT_SETTINGS, seed: 9, nodes: 3, faultsMs: 700 }
  const figures = await runSeed(settings)
  const path = writeArtifact(folder, describeFailure(new FailedRun(settings, new Error('made up'), figures, []), 'none', 1))
  const { status, stdout, stderr } = sim('--replay', path)
  assert.equal(status, 0, stderr)
  assert.ok(stdout.includes(`seed 9 ${figures.hash}`), stdout)
})

test('npm run sim: ends with 2 and one line when it is used wrongly', () => {
  for (const args of [[], ['--seed', 'abc'], ['--seed', '1', '--profile', 'storm'], ['--replay', join(folder, 'none.json')]]) {
    const { status, stdout, stderr } = sim(...args)
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, /^sim: [^\n]+\n$/)
  }
})

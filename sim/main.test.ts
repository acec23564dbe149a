import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { describeFailure, writeArtifact } from './artifact.ts'
import type { Artifact } from './artifact.ts'
import { Faults } from './faults.ts'
import { main } from './main.ts'
import { FailedRun, runSeed } from './run.ts'
import { DEFAULT_SETTINGS } from './settings.ts'
import { volume } from '../test/volume.ts'

const folder = mkdtempSync(join(tmpdir(), 'aspen-sim-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The program in this process: to start one costs more than most of these runs. */
async function sim(...args: readonly string[]): Promise<Outcome> {
  const written = { log: '', error: '' }
  const status = await main(args, {
    log: (lines) => void (written.log += `${lines}\n`),
    error: (lines) => void (written.error += `${lines}\n`),
  })
  return { status, stdout: written.log, stderr: written.error }
}

function startSim(nodeOptions: readonly string[], ...args: readonly string[]): Outcome {
  return spawnSync(process.execPath, [...nodeOptions, join(import.meta.dirname, 'main.ts'), ...args], { encoding: 'utf8' })
}

/** What a planted bug does instead of healing the faults of a run, the number of which it is given. */
type Plant = (run: number, heal: () => Promise<void>) => Promise<void>

const FAILS: Plant = async () => {
  throw new Error('a planted failure')
}

/** The program in this process, with a bug in it. */
async function simWith(plant: Plant, ...args: readonly string[]): Promise<Outcome> {
  const { heal } = Faults.prototype
  let runs = 0
  Faults.prototype.heal = function (rest): Promise<void> {
    return plant(++runs, () => heal.call(this, rest))
  }
  try {
    return await sim(...args)
  } finally {
    Faults.prototype.heal = heal
  }
}

/** Options for Node that make a run fail at its healing, in every thread but the main one or in that as well. */
function failing(where: 'everywhere' | 'on threads'): readonly string[] {
  const program = `
    import { isMainThread } from 'node:worker_threads'
    import { Faults } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'faults.ts')))}
    const { heal } = Faults.prototype
    Faults.prototype.heal = function () {
      if (${where === 'everywhere' ? 'true' : '!isMainThread'}) throw new Error('a planted failure')
      heal.call(this)
    }`
  return ['--import', `data:text/javascript,${encodeURIComponent(program)}`]
}

interface Failure extends Outcome {
  readonly artifact: Artifact
}

let failures = 0

/** Runs what must fail, and leaves one artifact. */
async function fail(
  run: (...args: readonly string[]) => Outcome | Promise<Outcome>,
  ...args: readonly string[]
): Promise<Failure> {
  const artifacts = join(folder, `failure ${++failures}`)
  const outcome = await run(...args, '--artifacts', artifacts)
  assert.equal(outcome.status, 1, outcome.stderr)
  const [name = '', ...others] = readdirSync(artifacts)
  assert.deepEqual(others, [])
  assert.ok(outcome.stderr.includes(`artifact: ${join(artifacts, name)}\n`), outcome.stderr)
  return { ...outcome, artifact: JSON.parse(readFileSync(join(artifacts, name), 'utf8')) as Artifact }
}

test('npm run sim: says how a seed went', () => {
  const { status, stdout, stderr } = startSim([], '--seed', '123', '--nodes', '5', '--profile', 'swarm', '--faults-ms', '1000')
  assert.equal(status, 0, stderr)
  assert.match(stdout, /^seed 123 [0-9a-f]{16}: .*commits/)
  assert.match(stdout, /1 of 1 seeds clean/)
})

test('npm run sim: prints the same trace twice, and nothing else', async () => {
  const once = await sim('--seed', '5', '--trace', '--faults-ms', '500')
  assert.equal(once.status, 0, once.stderr)
  assert.ok(once.stdout.split('\n').length > 100)
  assert.match(once.stdout, /^0\.000 n1 starts/)
  assert.equal((await sim('--seed', '5', '--trace', '--faults-ms', '500')).stdout, once.stdout)
})

test('npm run sim: runs several seeds twice each, and counts what they came across', async () => {
  const { status, stdout, stderr } = await sim('--seed', '1000', '--seeds', '3', '--twice', '--faults-ms', '1000')
  assert.equal(status, 0, stderr)
  assert.match(stdout, /3 of 3 seeds clean, [\d.]+ a second, [\d.]+ simulated hours/)
  assert.match(stdout, /leaderChanges +\d+/)
})

test('npm run sim: comes across the same on two threads', async () => {
  const seeds = volume(5, 3)
  const args = ['--seed', '30', '--seeds', `${seeds}`, '--profile', 'lite', '--faults-ms', '500']
  const counted = (outcome: Outcome): string[] => {
    assert.equal(outcome.status, 0, outcome.stderr)
    assert.ok(outcome.stdout.includes(`${seeds} of ${seeds} seeds clean`), outcome.stdout)
    return outcome.stdout.split('\n').filter((line) => line.startsWith('  '))
  }
  assert.deepEqual(counted(await sim(...args, '--jobs', '2')), counted(await sim(...args)))
})

test('npm run sim: replays what an artifact describes', async () => {
  const settings = { ...DEFAULT_SETTINGS, seed: 9, nodes: 3, faultsMs: 700 }
  const figures = await runSeed(settings)
  const path = writeArtifact(folder, describeFailure(new FailedRun(settings, new Error('made up'), figures, []), 'none', 1))
  const { status, stdout, stderr } = await sim('--replay', path)
  assert.equal(status, 0, stderr)
  assert.ok(stdout.includes(`seed 9 ${figures.hash}`), stdout)
})

test('npm run sim: a failing run leaves an artifact with the time that it took itself, and ends with 1', async () => {
  // The two runs before are slow.
  const slow: Plant = async (run, heal) => {
    if (run > 2) return FAILS(run, heal)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
    await heal()
  }
  const args = ['--seed', '4', '--seeds', '9', '--profile', 'lite', '--faults-ms', '100']
  const started = performance.now()
  const { stdout, stderr, artifact } = await fail((...all) => simWith(slow, ...all), ...args)
  const tookMs = performance.now() - started
  assert.doesNotMatch(stdout, /clean/)
  assert.match(stderr, /^error: seed 6: a planted failure$/m)
  assert.match(stderr, /^or: {7}npm run sim -- --seed 6 --profile lite --faults-ms 100$/m)
  assert.equal(artifact.settings.seed, 6)
  assert.equal(artifact.error.message, 'seed 6: a planted failure')
  assert.ok(artifact.events.length > 0 && stderr.includes(artifact.events.at(-1) ?? 'none'))
  assert.ok(artifact.realMs > 0 && artifact.realMs < tookMs - 2_000, `${artifact.realMs} of ${tookMs} ms`)
})

test('npm run sim: --trace of a failing run leaves an artifact too, and the trace alone on standard output', async () => {
  const args = ['--seed', '5', '--trace', '--faults-ms', '500']
  const { stdout, stderr, artifact } = await fail((...all) => simWith(FAILS, ...all), ...args)
  const { stdout: whole } = await sim(...args)
  // The healing comes behind all that the failing run did.
  assert.ok(stdout.length > 1_000 && whole.startsWith(stdout), stdout.slice(-200))
  assert.match(stderr, /^error: seed 5: a planted failure\n/)
  assert.deepEqual(artifact.events, stdout.replace(/\n$/, '').split('\n').slice(-200))
})

test('npm run sim: names the lowest seed that fails, with several threads too', async () => {
  const args = ['--seed', '30', '--seeds', '9', '--profile', 'lite', '--faults-ms', '100']
  for (const { stderr } of [
    await fail((...all) => simWith(FAILS, ...all), ...args, '--jobs', '1'),
    await fail((...all) => startSim(failing('everywhere'), ...all), ...args, '--jobs', `${volume(3, 2)}`),
  ]) {
    assert.match(stderr, /^error: seed 30: a planted failure$/m)
  }
})

test('npm run sim: a seed that fails on a thread and not when it is run again is a failure', async () => {
  const args = ['--seed', '7', '--seeds', '2', '--jobs', '2', '--profile', 'lite', '--faults-ms', '100']
  const { stdout, stderr, artifact } = await fail((...all) => startSim(failing('on threads'), ...all), ...args)
  assert.doesNotMatch(stdout, /clean/)
  assert.match(stderr, /^error: seed 7: cannot be repeated: .*: seed 7: a planted failure$/m)
  assert.equal(artifact.settings.seed, 7)
  assert.match(artifact.error.message, /cannot be repeated/)
  assert.ok(artifact.realMs > 0)
})

test('npm run sim: a seed whose repetition differs is a failure', async () => {
  const args = ['--seed', '7', '--twice', '--profile', 'lite', '--faults-ms', '100']
  // The second run is healed again and again, which takes time.
  const twice: Plant = async (run, heal) => {
    for (let times = run === 2 ? 20 : 1; times > 0; times--) await heal()
  }
  const { stderr, artifact } = await fail((...all) => simWith(twice, ...all), ...args)
  assert.match(stderr, /two runs differ/)
  assert.match(artifact.error.message, /two runs differ/)
})

test('npm run sim: ends with 2 and one line when it is used wrongly', async () => {
  for (const args of [
    [],
    ['--seed', 'abc'],
    ['--seed', '1', '--profile', 'storm'],
    ['--seed', '1', '--calm', 'network'],
    ['--replay', join(folder, 'none.json')],
  ]) {
    const { status, stdout, stderr } = await sim(...args)
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, /^sim: [^\n]+\n$/)
  }
  assert.equal(startSim([], '--seed', 'abc').status, 2)
})

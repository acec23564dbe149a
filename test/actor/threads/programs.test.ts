/** Actors in threads as programs have them: what the page shows, and their own tests under seeds. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { exploreActors, simulateActors } from '../../../src/testing/index.ts'
import type { ActorWorld } from '../../../src/testing/index.ts'
import { COUNTER } from './worlds.ts'

const ROOT = join(import.meta.dirname, '../../..')
/** Far above what it takes on a machine that has other things to do. */
const PATIENCE_MS = 120_000

test('docs/actors.md: the program with threads runs, and ends', async () => {
  const page = await readFile(join(ROOT, 'docs/actors.md'), 'utf8')
  const [, program = ''] = /^```ts\n((?:(?!^```$)[\s\S])*?inThread<[\s\S]*?)^```$/m.exec(page) ?? []
  const folder = await mkdtemp(join(tmpdir(), 'aspen-threads-'))
  try {
    const source = program.replace("'aspen/actor'", JSON.stringify(pathToFileURL(join(ROOT, 'src/actors/index.ts')).href))
    // The page's times are those of machines that have nothing else to do.
    const patient = source
      .replace('timeoutMs: 30_000', `timeoutMs: ${PATIENCE_MS}`)
      .replace('unresponsiveMs: 10_000', `unresponsiveMs: ${PATIENCE_MS}`)
      .replace('size: 2', `size: 2, unresponsiveMs: ${PATIENCE_MS}`)
    assert.equal(patient.split(String(PATIENCE_MS)).length, 4, 'the page has other times')
    await writeFile(join(folder, 'primes.ts'), patient)
    await writeFile(join(folder, 'main.ts'), "import { main } from './primes.ts'\nawait main()\n")
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'main.ts')], { timeout: PATIENCE_MS })
    assert.equal(stdout, '9592 9592 9592 9592\n')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

/** Counters in threads of their own and in a pool, which crash and are slow. */
async function counting(world: ActorWorld): Promise<number> {
  const pool = world.system.threadPool({ size: 2 })
  const refs = [1, 2, 3, 4].map((argument) =>
    world.system.spawn(COUNTER, { argument, thread: argument % 2 === 0 ? pool : 'own' }),
  )
  world.trouble({ crash: 0.1, slow: 0.2 })
  let sum = 0
  for (let round = 0; round < 10; round++) {
    const answers = refs.map((ref) => ref.call('add', 1, { timeoutMs: 60_000 }).catch(() => 0))
    for (const answer of await Promise.all(answers)) sum += answer
  }
  world.heal()
  for (const ref of refs) assert.ok((await ref.call('get', undefined, { timeoutMs: 600_000 })).total > 0)
  await world.system.stop()
  return sum
}

test('simulateActors: actors in threads run inline, and a seed repeats them', async () => {
  const [once, again, other] = [
    await simulateActors({ seed: 1 }, counting),
    await simulateActors({ seed: 1 }, counting),
    await simulateActors({ seed: 2 }, counting),
  ]
  assert.deepEqual(once, again)
  assert.notEqual(once.hash, other.hash)
  await exploreActors({ seeds: 5, twice: true }, counting)
})

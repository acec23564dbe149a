import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { ENGINE_FLAGS } from './engine-settings.ts'

const MODULE = new URL('engine-settings.ts', import.meta.url).href

/** Has V8 list every flag with its present value, which ends the process. */
const LIST_FLAGS = `
  import { setFlagsFromString } from 'node:v8'
  import { tuneEngine } from '${MODULE}'
  tuneEngine()
  setFlagsFromString('--help')`

/** Compiles by all compilers, and collects both generations, after the flags were set. */
const WORK = `
  import { tuneEngine } from '${MODULE}'
  tuneEngine()
  let kept = []
  for (let i = 0; i < 1_000_000; i++) {
    kept.push({ number: i, list: [i] })
    if (kept.length > 300_000) kept = kept.slice(150_000)
  }
  console.log('done')`

function run(args: readonly string[]): { readonly stdout: string; readonly stderr: string; readonly status: number | null } {
  return spawnSync(process.execPath, [...args], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 })
}

/** The settings that V8 lists, in the form of flags. */
function settings(list: string): Set<string> {
  return new Set(list.matchAll(/ default: (--\S+)/g).map(([, flag]) => flag as string))
}

test('tuneEngine: V8 knows every flag, and has it set afterwards', () => {
  const usual = settings(run(['--v8-options']).stdout)
  assert.ok(usual.size > 100, 'V8 lists its flags')
  const { stdout, stderr } = run(['--input-type=module', '-e', LIST_FLAGS])
  assert.equal(stderr, '', 'V8 complains about a flag that it does not know')
  const tuned = settings(stdout)
  for (const flag of ENGINE_FLAGS) {
    assert.ok(!usual.has(flag), `${flag} is how V8 is set anyway`)
    assert.ok(tuned.has(flag), `${flag} has no effect`)
  }
})

test('tuneEngine: the process compiles and collects on', () => {
  const { stdout, stderr } = run(['--max-old-space-size=256', '--input-type=module', '-e', WORK])
  assert.equal(stdout, 'done\n', stderr)
})

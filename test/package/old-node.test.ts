/** What people see whose Node is too old. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')
/** Makes a process believe that it runs on another Node. */
const pretend = (version: string): string =>
  `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`

function runGuard(file: string, version: string): { readonly status: number | null; readonly stderr: string } {
  return spawnSync(process.execPath, ['--import', pretend(version), join(ROOT, file), '--version'], {
    encoding: 'utf8',
    timeout: 30_000,
  })
}

const GUARDS = [
  'tools/require-node.cjs',
  ...(existsSync(join(ROOT, 'bin')) ? readdirSync(join(ROOT, 'bin')).map((name) => `bin/${name}`) : []),
]

for (const guard of GUARDS) {
  test(`${guard}: refuses an old Node and names the one it needs`, () => {
    for (const version of ['20.20.2', '9.0.0', '25.9.9']) {
      const { status, stderr } = runGuard(guard, version)
      assert.notEqual(status, 0)
      assert.match(stderr, /\b26\b/)
      assert.ok(stderr.includes(version), stderr)
    }
  })
}

test('tools/require-node.cjs: lets a new Node pass', () => {
  for (const version of ['26.0.0', '100.1.0']) assert.deepEqual(runGuard('tools/require-node.cjs', version).status, 0)
})

/** What a node does where the binding of iroh is not installed: its sources beside all packages but that one. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')
const RELAY = ['--iroh-relay-urls', 'http://127.0.0.1:9']
let folder: string

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'aspen-without-'))
  for (const name of ['src', 'bin', 'package.json']) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  mkdirSync(join(folder, 'node_modules'))
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '@number0' && !name.startsWith('.'))
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  }
})

after(() => rmSync(folder, { recursive: true, force: true }))

function run(...args: readonly string[]): { readonly child: ChildProcess; readonly said: () => string } {
  const command = [
    join(folder, 'bin/aspen-node.cjs'),
    '--node-id',
    '1',
    '--data-dir',
    join(folder, 'data'),
    '--http-addr',
    '127.0.0.1:0',
  ]
  const child = spawn(process.execPath, [...command, '--ractor-port', '0', '--no-enable-mdns', '--log-format', 'json', ...args])
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  return { child, said: () => said }
}

test('aspen-node --transport iroh: says what is missing and what to do, and ends as for wrong settings', async () => {
  const { child, said } = run('--transport', 'iroh')
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 64, said())
  assert.match(said(), /transport is iroh, and its binding is not installed.*: install @number0\/iroh, or give auto or direct/)
})

test('aspen-node --transport auto: says in one line that it goes on without, and goes on', async () => {
  const { child, said } = run('--transport', 'auto', ...RELAY)
  const isThere = (): boolean => said().includes('is ready') && said().includes('goes on without iroh')
  while (!isThere())
    await Promise.race([
      once(child.stdout as NodeJS.ReadableStream, 'data'),
      once(child.stderr as NodeJS.ReadableStream, 'data'),
      once(child, 'close').then(() => assert.fail(said())),
    ])
  child.kill('SIGTERM')
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 0, said())
  assert.equal(
    said()
      .split('\n')
      .filter((line) => line.includes('iroh')).length,
    1,
    said(),
  )
})

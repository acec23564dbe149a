import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { constants, getPriority } from 'node:os'
import { test } from 'node:test'

/** Niceness is the 19th field of stat; the name in parentheses before it may hold spaces. */
const PROGRAM = `
  import { readdirSync, readFileSync } from 'node:fs'
  import { yieldToMainThread } from '${new URL('background-threads.ts', import.meta.url).href}'
  yieldToMainThread()
  for (const id of readdirSync('/proc/self/task')) {
    const [name, fields] = readFileSync('/proc/self/task/' + id + '/stat', 'utf8').split(/[()] ?/).slice(1)
    console.log(name, fields.split(' ')[16])
  }`

test('yieldToMainThread: lowers the workers of V8 and nobody else', { skip: process.platform !== 'linux' }, () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], { encoding: 'utf8' })
  const threads = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ') as [string, string])
  const workers = threads.filter(([name]) => name === 'node-V8Worker')
  assert.ok(workers.length > 0, `no worker has the name that it is looked for: ${stdout}${stderr}`)
  // This process may be one of low priority already, and what it starts is too.
  const own = getPriority()
  for (const [name, niceness] of threads) {
    assert.equal(Number(niceness), name === 'node-V8Worker' ? Math.min(own + 5, constants.priority.PRIORITY_LOW) : own, name)
  }
})

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bin/aspen-node.cjs', import.meta.url))
const FLAGS = ['--node-id', '1', '--storage-backend', 'InMemory', '--http-addr', '127.0.0.1:0', '--ractor-port', '0']

/** How much nicer the helper threads of V8 are than the main one, in a node that serves. */
async function niceness(...flags: readonly string[]): Promise<readonly number[]> {
  const child = spawn(process.execPath, [PROGRAM, ...FLAGS, ...flags], { stdio: ['ignore', 'pipe', 'ignore'] })
  const exit = once(child, 'exit')
  await once(child.stdout, 'data')
  const folder = `/proc/${child.pid}/task`
  const threads = readdirSync(folder).map((id) => {
    // The name in parentheses may hold spaces; niceness is the 19th field.
    const [, name = '', fields = ''] = readFileSync(`${folder}/${id}/stat`, 'utf8').split(/[()] ?/)
    return { name, isMain: Number(id) === child.pid, nice: Number(fields.split(' ')[16]) }
  })
  child.kill('SIGTERM')
  assert.deepEqual(await exit, [0, null])
  const main = threads.find(({ isMain }) => isMain)
  assert(main !== undefined)
  return threads.filter(({ name }) => name === 'node-V8Worker').map(({ nice }) => nice - main.nice)
}

test(
  'aspen-node: sets V8 up for a node, unless it is told to leave it alone',
  { skip: process.platform !== 'linux' },
  async () => {
    const tuned = await niceness()
    assert(tuned.length > 0 && tuned.every((nice) => nice > 0), tuned.join())
    assert((await niceness('--no-tuned')).every((nice) => nice === 0))
  },
)

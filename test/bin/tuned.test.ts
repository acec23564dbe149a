import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bin/aspen-node.cjs', import.meta.url))
const FLAGS = [
  '--node-id',
  '1',
  '--storage-backend',
  'InMemory',
  '--http-addr',
  '127.0.0.1:0',
  '--ractor-port',
  '0',
  '--no-enable-mdns',
]

interface Threads {
  /** How much nicer the helper threads of V8 are than the main one. */
  readonly niceness: readonly number[]
  /** Threads of libuv's pool: what is slow there must leave room for the log's sync. */
  readonly pool: number
}

/** Those of a node that serves. */
async function threadsOf(...flags: readonly string[]): Promise<Threads> {
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
  const named = (wanted: string): typeof threads => threads.filter(({ name }) => name === wanted)
  return { niceness: named('node-V8Worker').map(({ nice }) => nice - main.nice), pool: named('libuv-worker').length }
}

const skip = process.platform !== 'linux'

test('aspen-node: sets V8 up for a node, unless it is told to leave it alone', { skip }, async () => {
  const tuned = await threadsOf()
  assert(tuned.niceness.length > 0 && tuned.niceness.every((nice) => nice > 0), tuned.niceness.join())
  assert((await threadsOf('--no-tuned')).niceness.every((nice) => nice === 0))
  assert.equal(tuned.pool, 8)
})

/** `npm run cluster` as a process: what it says, and how it ends. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePorts } from './cluster/ports.ts'

const SCRIPT = fileURLToPath(new URL('cluster.ts', import.meta.url))

interface Run {
  readonly child: ChildProcess
  /** Everything it said so far. */
  readonly said: () => string
  readonly ended: Promise<number | null>
}

/** In a process group of its own, as a terminal starts it. */
function run(env: Readonly<Record<string, string>>, ...args: readonly string[]): Run {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ASPEN_')))
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...clean, ...env },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (said += chunk))
  return { child, said: () => said, ended: once(child, 'close').then(([code]) => code as number | null) }
}

async function until({ child, said, ended }: Run, text: string): Promise<void> {
  const heard = new Promise<void>((resolve) => {
    const look = (): void => {
      if (said().includes(text)) resolve()
    }
    child.stdout?.on('data', look)
    look()
  })
  const early = await Promise.race([heard, ended])
  assert.equal(early, undefined, `ended before it said ${text}: ${said()}`)
}

async function oneNode(): Promise<Readonly<Record<string, string>>> {
  const [http, links] = await freePorts('127.0.0.1', 2)
  return { ASPEN_NODE_COUNT: '1', ASPEN_STORAGE: 'inmemory', ASPEN_BASE_HTTP: String(http), ASPEN_BASE_RACTOR: String(links) }
}

test('cluster: --help prints the variables and starts nothing; any other word is refused', async () => {
  for (const word of ['--help', '-h', 'help']) {
    const help = run({}, word)
    assert.equal(await help.ended, 0)
    assert.match(help.said(), /ASPEN_NODE_COUNT/)
    assert.doesNotMatch(help.said(), /starting/)
  }
  const refused = run({}, '--nodes=5')
  assert.equal(await refused.ended, 64)
  assert.match(refused.said(), /"--nodes=5" is not expected/)
})

test('cluster: Ctrl-C while it starts stops everything and gives no advice', { skip: process.platform === 'win32' }, async () => {
  const cluster = run(await oneNode())
  await until(cluster, 'starting 1 node')
  process.kill(-cluster.child.pid!, 'SIGINT')
  assert.equal(await cluster.ended, 0, cluster.said())
  assert.doesNotMatch(cluster.said(), /again|before the cluster stood/)
})

test('cluster: stops on a signal although nobody reads what it says', async () => {
  const cluster = run(await oneNode())
  await until(cluster, 'Any node takes any request')
  cluster.child.stdout?.destroy()
  cluster.child.stderr?.destroy()
  const exit = once(cluster.child, 'exit')
  cluster.child.kill('SIGTERM')
  assert.deepEqual(await exit, [0, null])
})

test(
  'cluster: a data folder that cannot be made ends it with an error',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async () => {
    const refused = run({ ...(await oneNode()), ASPEN_DATA_DIR: '/proc/aspen/data' })
    assert.equal(await refused.ended, 1, refused.said())
    assert.match(refused.said(), /ASPEN_DATA_DIR \/proc\/aspen\/data cannot be used: /)
  },
)

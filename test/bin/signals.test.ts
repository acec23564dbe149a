/** What the world around the process does to it: signals, and readers of its output who do not read. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { signalsOf } from '../../src/bin/signals.ts'

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

interface Started {
  readonly child: ChildProcess
  readonly url: string
  /** Standard error so far. */
  readonly err: () => string
  readonly exit: Promise<number | null>
}

async function start(): Promise<Started> {
  const child = spawn(process.execPath, [PROGRAM, ...FLAGS], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = once(child, 'exit').then(([code]) => code as number | null)
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk))
  for await (const line of createInterface({ input: child.stdout })) {
    const url = / http (http:\S+),/.exec(line)?.[1]
    if (url !== undefined) return { child, url, err: () => err, exit }
  }
  throw new Error(`ended before it was ready: ${err}`)
}

/** The listening sockets of a process. */
function listening(pid: number): number {
  const folder = `/proc/${pid}/fd`
  const sockets = readdirSync(folder).flatMap((name) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1] ?? []
    } catch {
      return []
    }
  })
  const rows = ['tcp', 'tcp6'].flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1))
  const LISTEN = '0A'
  return rows.map((row) => row.trim().split(/\s+/)).filter((row) => row[3] === LISTEN && sockets.includes(row[9] ?? '')).length
}

const { stopping, ignored } = signalsOf(false)

for (const signal of stopping) {
  test(`aspen-node: drains and exits with 0 on ${signal}`, async () => {
    const { child, err, exit } = await start()
    child.kill(signal)
    assert.equal(await exit, 0, err())
    assert.match(err(), /the node has stopped/)
  })
}

test(
  'aspen-node: goes on, and opens no port, whatever other signal arrives',
  { skip: process.platform !== 'linux' },
  async () => {
    const { child, url, err, exit } = await start()
    const before = listening(child.pid!)
    assert.equal(before, 2)
    for (const signal of [...ignored, 'SIGWINCH', 'SIGCONT', 'SIGURG'] as const) {
      child.kill(signal)
      assert.equal((await fetch(`${url}/health`)).status, 200, signal)
    }
    assert.equal(listening(child.pid!), before)
    child.kill('SIGTERM')
    assert.equal(await exit, 0)
    assert.doesNotMatch(err(), /Debugger/)
  },
)

test('signalsOf: a hangup stops a node that has a terminal, and no other', () => {
  assert(signalsOf(true).stopping.includes('SIGHUP'))
  assert(!signalsOf(true).ignored.includes('SIGHUP'))
  assert(signalsOf(false).ignored.includes('SIGHUP'))
})

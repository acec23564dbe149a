/** A node that may open few files, and a crowd that opens connections until there are no more. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from './load-witness.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/aspen-node.cjs', import.meta.url))
const FILES = 1024
const MIB = 1024 * 1024

test('a node of 1,024 descriptors under 1,500 connections rolls its log, takes a snapshot, and says at the start what it lacks', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'aspen-descriptors-'))
  const flags = ['--node-id', '1', '--http-addr', '127.0.0.1:0', '--ractor-port', '0', '--data-dir', dataDir, '--no-enable-mdns']
  const node = spawn('/bin/sh', ['-c', `ulimit -n ${FILES}; exec "$0" "$@"`, process.execPath, PROGRAM, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const output of [node.stdout, node.stderr]) output.on('data', (piece: Buffer) => (text += piece.toString('utf8')))
  let ended = false
  node.once('exit', () => (ended = true))
  try {
    await eventually('the node to be ready', 30_000, () => text.includes('is ready: http '))
    assert.match(text, /this process may open 1024 files: the node takes at most \d+ HTTP connections/)
    const url = /is ready: http (\S+),/.exec(text)?.[1] ?? assert.fail(text)
    // Before the crowd, so that this connection is among those that are served.
    const post = async (path: string, body: object): Promise<number> => {
      const answer = await fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      await answer.arrayBuffer()
      return answer.status
    }
    assert.equal(await post('/init', { members: [1] }), 200)
    const sockets = Array.from({ length: 1500 }, () => connect({ port: Number(new URL(url).port), host: '127.0.0.1' }))
    for (const socket of sockets) socket.on('error', () => undefined)
    for (let i = 0; i < 40; i++) {
      const status = await post('/write', { command: { Set: { key: `k${i % 4}`, value: 'v'.repeat(MIB) } } }).catch(() => 0)
      assert.ok([0, 200, 429].includes(status), `${status}`)
    }
    for (const socket of sockets) socket.destroy()
    await eventually('service again', 20_000, async () => {
      return (await post('/write', { command: { Set: { key: 'after', value: '1' } } }).catch(() => 0)) === 200
    })
    assert.equal(await post('/trigger-snapshot', {}), 200)
    assert.equal(ended, false, text)
  } finally {
    node.kill('SIGKILL')
    rmSync(dataDir, { recursive: true, force: true })
  }
})

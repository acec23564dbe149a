/** Why a node inside a program does not start: always an error with a stable code, and no word of flags. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import { AspenNode, ConfigError } from '../../src/cluster/index.ts'
import { testNodes } from './nodes.ts'

async function failureOf(start: Promise<unknown>): Promise<Error & { code: unknown }> {
  const error = await start.then(
    () => assert.fail('it started'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof AspenError || error instanceof ConfigError, String(error))
  // That is another program, for people.
  assert.doesNotMatch(error.message.replace('aspen-node rejoin --via', ''), /--[a-z]/)
  return error
}

test('AspenNode.start: every failure has a code of its own, and its words are not those of a command line', async (t) => {
  const nodes = testNodes(t)
  const code = async (start: Promise<unknown>): Promise<unknown> => (await failureOf(start)).code
  for (const wrong of [{ electionTimeoutMinMs: 9_000 }, { cookie: '' }, { nodeId: 0 }, { odd: 1 }])
    assert.equal(await code(nodes.start(1, wrong)), 'INVALID_CONFIG')
  const open = AspenNode.start({ nodeId: 1, ractorHost: '0.0.0.0', dataDir: nodes.directory(1) })
  assert.match((await failureOf(open)).message, /^ractorHost is 0\.0\.0\.0 .*give a cookie of your own, or bind/)
  const noToken = AspenNode.start({ nodeId: 1, httpAddr: { host: '0.0.0.0', port: 0 }, cookie: 'c', dataDir: nodes.directory(1) })
  assert.match((await failureOf(noToken)).message, /^httpAddr is 0\.0\.0\.0 .*give httpToken, allow this with insecure/)
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as { port: number }
  const busy = await failureOf(nodes.start(1, { ractorPort: port }))
  assert.equal(busy.code, 'CANNOT_LISTEN')
  assert.match(
    busy.message,
    /cannot listen for other nodes on 127\.0\.0\.1:\d+: another program listens there \(EADDRINUSE\): give another ractorPort/,
  )
  await nodes.start(1)
  assert.equal(await code(nodes.start(1)), 'CANNOT_START', 'in use')
  const two = await nodes.start(2)
  await two.stop()
  assert.equal(await code(nodes.start(3, { dataDir: nodes.directory(2) })), 'CANNOT_START', 'of another node')
  rmSync(join(nodes.directory(2), 'log'), { recursive: true })
  assert.equal(await code(nodes.start(2)), 'CANNOT_START', 'its log is gone')
  const file = join(nodes.directory(1), 'file')
  writeFileSync(file, '')
  assert.equal(await code(nodes.start(4, { dataDir: file })), 'CANNOT_START', 'no directory')
})

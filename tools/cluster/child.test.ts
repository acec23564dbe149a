import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { startChild, stopChildren } from './child.ts'

/** Connects to a port, so that the test knows when its handlers stand. */
const HELLO = (port: number): string => `require('node:net').connect(${port}, '127.0.0.1')`

async function startScript(script: (hello: string) => string): Promise<ReturnType<typeof startChild>> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const hello = HELLO((server.address() as AddressInfo).port)
  const child = startChild('child', [process.execPath, '-e', script(hello)], ['ignore', 'pipe', 'pipe'])
  await once(server, 'connection')
  server.close()
  return child
}

test('startChild: tells how the child ended and what it said', async () => {
  const child = startChild('child', [process.execPath, '-e', 'console.log(process.env.ASPEN_X); process.exit(3)'], 'pipe')
  assert.equal(await child.exit, 'exited with 3')
  assert.equal(child.ended(), 'exited with 3')
})

test('startChild: tells that there is no such program', async () => {
  const child = startChild('child', ['/no/such/program'], 'ignore')
  assert.match(await child.exit, /could not be started: .*ENOENT/)
})

test('stopChildren: ends a child that obeys without killing it', async () => {
  const child = await startScript(
    (hello) => `process.on('SIGTERM', () => process.exit(0)); ${hello}; setInterval(() => {}, 1000)`,
  )
  assert.deepEqual(await stopChildren([child], 30_000), [])
  assert.equal(child.ended(), 'exited with 0')
})

test('stopChildren: kills and names a child that does not obey', async () => {
  const child = await startScript((hello) => `process.on('SIGTERM', () => {}); ${hello}; setInterval(() => {}, 1000)`)
  assert.deepEqual(await stopChildren([child], 50), ['child'])
  assert.equal(child.ended(), 'was ended by SIGKILL')
})

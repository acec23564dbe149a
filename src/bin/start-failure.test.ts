import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { completeConfig } from '../cluster/config/index.ts'
import { explainStartFailure } from './start-failure.ts'

const server = createServer()
let port: number

before(async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  port = (server.address() as AddressInfo).port
})

after(() => server.close())

/** The error of a second server on the port. */
async function busy(): Promise<Error> {
  const { promise, resolve } = Promise.withResolvers<Error>()
  createServer().once('error', resolve).listen(port, '127.0.0.1')
  return promise
}

test('explainStartFailure: names --http-addr when its port is taken', async () => {
  const config = completeConfig({ nodeId: 1, httpAddr: { host: '127.0.0.1', port } })
  const text = explainStartFailure(await busy(), config)
  assert(text.includes(`HTTP on 127.0.0.1:${port}`) && text.includes('EADDRINUSE') && text.includes('--http-addr'), text)
})

test('explainStartFailure: names --ractor-port when its port is taken, through causes', async () => {
  const config = completeConfig({ nodeId: 1, ractorPort: port })
  const text = explainStartFailure(new Error('links cannot start', { cause: await busy() }), config)
  assert(text.includes(`nodes on 127.0.0.1:${port}`) && text.includes('EADDRINUSE') && text.includes('--ractor-port'), text)
})

test('explainStartFailure: passes on what other errors say', () => {
  const config = completeConfig({ nodeId: 1 })
  assert.equal(
    explainStartFailure(new Error('the log is damaged: 1.log at byte 7'), config),
    'the log is damaged: 1.log at byte 7',
  )
  assert.equal(explainStartFailure('odd', config), 'odd')
})

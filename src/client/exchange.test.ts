import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Connections, ExchangeFailure } from './exchange.ts'
import type { Exchange } from './exchange.ts'

test('Connections: says of time that ran out whether anything had been sent by then', async (t) => {
  // It answers nobody: the one connection stays taken.
  const server = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connections = new Connections(1)
  t.after(() => {
    connections.close()
    server.closeAllConnections()
    server.close()
  })
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const exchange: Exchange = { url, method: 'GET', path: '/leader', body: null, token: undefined, timeoutMs: 60_000 }
  const failed = (timeoutMs: number): Promise<unknown> =>
    connections.send({ ...exchange, timeoutMs }).then(
      () => assert.fail('it was answered'),
      (reason: unknown) => reason,
    )
  const arrived = once(server, 'request')
  const first = failed(60_000)
  await arrived
  const second = await failed(20)
  assert.ok(second instanceof ExchangeFailure)
  assert.deepEqual([second.sent, second.outOfTime], [false, true])
  // So has a request that found no way in the time for that alone.
  const third = await connections.send({ ...exchange, connectMs: 20 }).catch((reason: unknown) => reason)
  assert.ok(third instanceof ExchangeFailure)
  assert.deepEqual([third.sent, third.outOfTime], [false, true])
  server.closeAllConnections()
  const cut = await first
  assert.ok(cut instanceof ExchangeFailure)
  assert.deepEqual([cut.sent, cut.outOfTime], [true, false])
})

/** Answers that nobody reads: bounded in bytes, for one connection and for all, and refused in words beyond. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import type { HttpServerOptions } from '../../src/faces/http/index.ts'
import { createFixture } from '../http/fixture.ts'
import type { Fixture } from '../http/fixture.ts'
import { Crowd } from './load-crowd.ts'
import { eventually, metricValue } from './load-witness.ts'

const MIB = 1024 * 1024
const opened: Fixture[] = []

after(async () => {
  for (const { server } of opened) await server.close(0)
})

/** A node with four values of a mebibyte, one page. */
async function listen(options: Partial<HttpServerOptions> = {}): Promise<{ readonly fixture: Fixture; readonly port: number }> {
  const fixture = await createFixture({ initialized: true }, options)
  opened.push(fixture)
  for (const key of ['a', 'b', 'c']) await fixture.post('/write', { command: { Set: { key, value: key.repeat(MIB) } } })
  return { fixture, port: Number(new URL(await fixture.server.listen()).port) }
}

const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const SCAN = post('/scan', '{}')

async function refused({ get }: Fixture): Promise<number> {
  return metricValue((await get('/metrics')).text, 'aspen_overloaded_total{queue="http_answers"}')
}

test('one connection: pages beyond 16 MiB that are not read hear 429, each request has its answer, and the next page comes again', async () => {
  const { fixture, port } = await listen()
  const socket = connect(port, '127.0.0.1')
  socket.pause()
  socket.write(SCAN.repeat(40))
  await eventually('refusals', 20_000, async () => (await refused(fixture)) >= 30)
  let text = ''
  socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')))
  socket.resume()
  const count = (status: number): number => text.split(`HTTP/1.1 ${status} `).length - 1
  await eventually('every answer', 20_000, () => count(200) + count(429) === 40 && text.endsWith('}}'))
  assert.ok(count(200) >= 5 && count(200) <= 10, `${count(200)} pages`)
  text = ''
  socket.write(SCAN)
  await eventually('one more page', 20_000, () => count(200) === 1 && text.length > 3 * MIB)
  socket.destroy()
})

test('one connection: a transaction whose results find no room has taken effect, and says so', async () => {
  const { port } = await listen()
  const gets = ['a', 'b', 'c'].map((key) => ({ Get: { key } }))
  const txn = post('/write', JSON.stringify({ command: { Txn: { compare: [], then: gets } } }))
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')))
  socket.write(txn.repeat(40))
  await eventually('a refusal', 20_000, () => text.includes('RESULT_TOO_LARGE'))
  assert.match(
    text,
    /HTTP\/1.1 413 [^]*"code":"RESULT_TOO_LARGE"[^{]*took effect as entry \d+[^{]*"retryable":false,"details":{"log_id":/,
  )
  socket.destroy()
})

test('many connections: whose answers are within their own bound: all together are bounded too, and whoever leaves gives its room back', async () => {
  const { fixture, port } = await listen({ maxHeldAnswerBytes: 10 * MIB })
  const crowd = new Crowd(port)
  await crowd.open(40, (socket) => {
    socket.pause()
    socket.write(SCAN.repeat(5))
  })
  // What the system takes in for a client is not held here.
  await eventually('refusals', 20_000, async () => (await refused(fixture)) > 0)
  crowd.leave()
  await eventually('room again', 20_000, async () => (await fixture.post('/scan', {})).status === 200)
})

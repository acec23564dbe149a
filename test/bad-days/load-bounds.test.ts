/** The bounds of the HTTP face with small numbers, each met and said in words. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { HttpServerOptions } from '../../src/faces/http/index.ts'
import { createFixture } from '../http/fixture.ts'
import type { Fixture } from '../http/fixture.ts'
import { Crowd } from './load-crowd.ts'
import { eventually, metricValue } from './load-witness.ts'
import { MAX_HTTP_TURN_MS } from '../../src/limits.ts'

/** Each takes an instant on an idle machine. */
const PATIENCE_MS = 60_000

const opened: { readonly fixture: Fixture; readonly crowd: Crowd }[] = []

async function listening(options: Partial<HttpServerOptions>): Promise<{ readonly fixture: Fixture; readonly crowd: Crowd }> {
  const fixture = await createFixture({ initialized: true }, options)
  const url = await fixture.server.listen()
  const pair = { fixture, crowd: new Crowd(Number(new URL(url).port)) }
  opened.push(pair)
  return pair
}

after(async () => {
  for (const { fixture, crowd } of opened) {
    crowd.leave()
    await fixture.server.close(0)
  }
})

const LEADER = 'GET /leader HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
const HEALTH = 'GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
const big = (size: number): string =>
  `POST /write HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${size}\r\n\r\n`

async function overloaded({ fixture }: { readonly fixture: Fixture }, queue: string): Promise<number> {
  return metricValue((await fixture.get('/metrics')).text, `aspen_overloaded_total{queue="${queue}"}`)
}

test('a connection over the bound hears 429 OVERLOADED and is closed; /health is answered; one more is cut and counted', async () => {
  const node = await listening({ connectionLimits: { served: 2, surplus: 2 } })
  const { crowd } = node
  await crowd.open(3, (socket) => socket.write(LEADER))
  await crowd.open(1, (socket) => socket.write(HEALTH))
  await eventually('four answers', PATIENCE_MS, () => crowd.heard('HTTP/1.1 ') === 4)
  assert.equal(crowd.heard('HTTP/1.1 200 ', '{"leader":1}'), 2)
  assert.equal(crowd.heard('HTTP/1.1 200 ', '"status":"healthy"'), 1)
  assert.equal(
    crowd.heard('HTTP/1.1 429 ', 'this node has 2 HTTP connections open already: ask another one', 'retry-after: 1'),
    1,
  )
  await eventually('the refused connection to be closed', PATIENCE_MS, () => crowd.closed === 1)
  await crowd.open(2, (socket) => socket.write(LEADER))
  await eventually('one more to be cut', PATIENCE_MS, () => crowd.closed === 3)
  assert.equal(await overloaded(node, 'http_connections'), 3)
})

test('a place is free again when a connection has ended', async () => {
  const { crowd } = await listening({ connectionLimits: { served: 1, surplus: 1 } })
  await crowd.open(1, (socket) => socket.write(LEADER))
  await eventually('an answer', PATIENCE_MS, () => crowd.heard('HTTP/1.1 200 ') === 1)
  const [first] = crowd.callers
  first?.socket.end()
  await once(first?.socket ?? assert.fail(), 'close')
  await crowd.open(1, (socket) => socket.write(LEADER))
  await eventually('the next answer', PATIENCE_MS, () => crowd.heard('HTTP/1.1 200 ') === 2)
})

test('bodies over what a node holds together hear 429 OVERLOADED, declared or chunked; ended requests give their room back', async () => {
  const node = await listening({ maxHeldBodyBytes: 100_000 })
  const { crowd } = node
  // Whichever is read first, the other one finds no room, and nor does the third.
  await crowd.open(1, (socket) => socket.write(big(90_000) + ' '.repeat(60_000)))
  await crowd.open(1, (socket) => socket.write(big(70_000) + ' '.repeat(60_000)))
  await eventually(
    'a refusal',
    PATIENCE_MS,
    () => crowd.heard('HTTP/1.1 429 ', 'the bodies of requests that this node works on') === 1,
  )
  await eventually('its connection to be closed', PATIENCE_MS, () => crowd.closed === 1)
  const chunked = big(0).replace('Content-Length: 0', 'Transfer-Encoding: chunked')
  await crowd.open(1, (socket) => socket.write(`${chunked}ea60\r\n${' '.repeat(60_000)}`))
  await eventually('another refusal', PATIENCE_MS, () => crowd.heard('HTTP/1.1 429 ') === 2)
  assert.equal(await overloaded(node, 'http_bodies'), 2)
  crowd.leave()
  await eventually('the room to be free again', PATIENCE_MS, async () => {
    const { status } = await node.fixture.post('/write', { command: { Set: { key: 'k', value: 'v'.repeat(90_000) } } })
    return status === 200
  })
})

test('hundreds of requests at once on one connection: the first are answered, the rest hears 429 OVERLOADED, and the connection ends', async () => {
  const node = await listening({})
  const { crowd } = node
  let text = ''
  await crowd.open(1, (socket) => {
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    socket.write(LEADER.repeat(1_000))
  })
  await eventually('the connection to be closed', PATIENCE_MS, () => crowd.closed === 1)
  const count = (word: string): number => text.split(word).length - 1
  assert.equal(count('HTTP/1.1 200 '), 128)
  assert.equal(count('more than 128 requests came at once on one connection: wait for answers between them'), 1_000 - 128)
  assert.equal(await overloaded(node, 'http_pipeline'), 1_000 - 128)
})

function connectionsOf({ server }: Fixture): Promise<number> {
  return new Promise((resolve, reject) => {
    server.app.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
  })
}

/** The most requests that a server was given between two turns of the event loop, while `run` ran. */
async function mostInATurn({ server }: Fixture, run: () => Promise<void>): Promise<number> {
  let [most, now] = [0, 0]
  let counting = true
  server.app.server.on('request', () => (most = Math.max(most, ++now)))
  const turn = (): void => {
    now = 0
    if (counting) setImmediate(turn)
  }
  turn()
  await run()
  counting = false
  return most
}

test('requests from many connections at once: a turn of the event loop takes a bounded part of them, and all are answered', async () => {
  // A turn has time for 512 requests, however fast this machine is.
  let asked = 0
  const { crowd, fixture } = await listening({ now: () => (asked++ * MAX_HTTP_TURN_MS) / 512 })
  await crowd.open(100)
  await eventually('every connection to be accepted', PATIENCE_MS, async () => (await connectionsOf(fixture)) === 100)
  let text = ''
  const most = await mostInATurn(fixture, async () => {
    for (const { socket } of crowd.callers) {
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
      socket.write(HEALTH.repeat(120))
    }
    await eventually('every answer', PATIENCE_MS, () => text.split('HTTP/1.1 200 ').length - 1 === 12_000)
  })
  // The connection that meets the bound is heard out.
  assert.ok(most > 120 && most <= 512 + 240, `${most} requests in a turn`)
  assert.equal(crowd.closed, 0)
})

test('requests that no route takes, and those whose path cannot be read, are counted with the others', async () => {
  const { crowd } = await listening({})
  for (const request of ['GET /nowhere', 'GET /%zz', 'POST /nowhere']) {
    const before = crowd.callers.length
    let text = ''
    await crowd.open(1, (socket) => {
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
      socket.write(`${request} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`.repeat(1_000))
    })
    await eventually('the connection to be closed', PATIENCE_MS, () => crowd.callers[before]?.closed === true)
    assert.equal(text.split('HTTP/1.1 429 ').length - 1, 1_000 - 128, request)
  }
})

test('a connection that is refused is not read any more, whatever Node is about to resume', async () => {
  const { crowd, fixture } = await listening({})
  const sockets: Socket[] = []
  fixture.server.app.server.on('connection', (socket) => sockets.push(socket))
  await crowd.open(1)
  const [caller] = crowd.callers
  const client = caller?.socket ?? assert.fail()
  // The answers wait behind this one.
  fixture.cluster.pause()
  const write = '{"command":{"Set":{"key":"k","value":"v"}}}'
  client.write(big(write.length) + write)
  // Nobody reads this body. When its end comes in one piece with what is refused, Node resumes what it has just paused.
  client.write(`GET /leader HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 70000\r\n\r\n`)
  const [server] = sockets
  for (let piece = 1; piece < 7; piece++) {
    client.write(' '.repeat(10_000))
    await eventually('the body to arrive', PATIENCE_MS, () => (server?.bytesRead ?? 0) > piece * 10_000)
  }
  client.write(' '.repeat(10_000) + LEADER.repeat(128) + big(100_000_000_000))
  await eventually('the refusal', PATIENCE_MS, async () => (await overloaded({ fixture }, 'http_pipeline')) > 0)
  const already = server?.bytesRead ?? 0
  client.write(' '.repeat(64 * 1024 * 1024))
  for (let i = 0; i < 20; i++) await delay(25)
  assert.ok((server?.bytesRead ?? 0) - already < 1024 * 1024, `${server?.bytesRead} bytes were read`)
  fixture.cluster.resume()
  await eventually('the connection to be closed', PATIENCE_MS, () => caller?.closed === true)
})

test('a client that does not read its answers is let go when nothing has moved for long', async () => {
  const { crowd, fixture } = await listening({ stuckTimeoutMs: 300 })
  const value = 'v'.repeat(1_000_000)
  await fixture.post('/write', { command: { Set: { key: 'large', value } } })
  const read =
    'POST /read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"key":"large"}'
  await crowd.open(1, (socket) => {
    socket.pause()
    socket.write(read.repeat(20))
  })
  await eventually('the connection to be closed', PATIENCE_MS, async () => (await connectionsOf(fixture)) === 0)
})

/** How connections end on which requests followed each other without waiting: what was taken on is answered, in its order. */
import assert from 'node:assert/strict'
import net from 'node:net'
import { after, describe, test } from 'node:test'
import type { HttpServerOptions } from '../../src/faces/http/index.ts'
import { eventually } from '../bad-days/load-witness.ts'
import { createFixture } from './fixture.ts'
import type { Fixture } from './fixture.ts'

const opened: Fixture[] = []

async function listening(options: Partial<HttpServerOptions> = {}): Promise<Fixture & { readonly port: number }> {
  const fixture = await createFixture({ initialized: true }, options)
  opened.push(fixture)
  return { ...fixture, port: Number(new URL(await fixture.server.listen()).port) }
}

after(async () => {
  for (const { cluster, server } of opened) {
    cluster.resume()
    await server.close(0)
  }
})

const JSON_HEAD = 'Host: 127.0.0.1\r\nContent-Type: application/json\r\n'

function post(path: string, body: string): string {
  return `POST ${path} HTTP/1.1\r\n${JSON_HEAD}Content-Length: ${body.length}\r\n\r\n${body}`
}

const write = (key: string): string => post('/write', JSON.stringify({ command: { Set: { key, value: '1' } } }))
const writes = (prefix: string, count: number): string => Array.from({ length: count }, (_, i) => write(`${prefix}${i}`)).join('')

interface Dialled {
  readonly socket: net.Socket
  /** The statuses of all answers, once the other side has closed. */
  readonly statuses: Promise<number[]>
}

function dial(port: number): Dialled {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => (text += chunk))
  socket.on('end', () => socket.end())
  socket.on('error', () => undefined)
  const { promise: statuses, resolve } = Promise.withResolvers<number[]>()
  socket.on('close', () => resolve(Array.from(text.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => Number(status))))
  return { socket, statuses }
}

async function valueOf({ cluster }: Fixture, key: string): Promise<string> {
  const found = await cluster.read(key)
  return found === undefined ? 'absent' : Buffer.from(found.value).toString()
}

/** Waits until so many requests are worked on, or the connection is gone. */
async function begun({ cluster }: Fixture, count: number, { socket }: Dialled): Promise<void> {
  while (cluster.status().turns < count && !socket.closed) await new Promise(setImmediate)
}

describe('pipelined requests whose connection ends', () => {
  const ends = [
    ['what is no HTTP', 'GARBAGE\r\n\r\n', []],
    ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n', []],
    ['too long a header', `GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}`, []],
    ['a request behind the last one', `GET /leader HTTP/1.1\r\n${JSON_HEAD}Connection: close\r\n\r\n${write('late')}`, [200]],
  ] as const
  for (const [what, end, more] of ends) {
    test(`by ${what}: writes before it are answered, and nothing is taken for the answer of one`, async () => {
      const fixture = await listening()
      fixture.cluster.pause()
      const dialled = dial(fixture.port)
      dialled.socket.write(writes('k', 5) + end)
      await begun(fixture, 5, dialled)
      fixture.cluster.resume()
      assert.deepEqual(await dialled.statuses, [200, 200, 200, 200, 200, ...more])
      assert.equal(await valueOf(fixture, 'k4'), '1')
    })
  }

  test('by what is no HTTP behind a path that cannot be read: it is answered, and the connection ends, not by the time of idle ones', async () => {
    const fixture = await listening({ keepAliveMs: 600_000 })
    const { socket, statuses } = dial(fixture.port)
    socket.write(`GET /%ff HTTP/1.1\r\n${JSON_HEAD}\r\nGARBAGE\r\n\r\n`)
    await eventually('the connection to end', 60_000, () => socket.closed)
    assert.equal((await statuses)[0], 400)
  })

  test('by what is no HTTP: nothing behind it is read while answers are owed', async () => {
    const fixture = await listening()
    fixture.cluster.pause()
    const dialled = dial(fixture.port)
    dialled.socket.write(`${writes('k', 5)}GARBAGE\r\n\r\n`)
    await begun(fixture, 5, dialled)
    dialled.socket.write('MORE\r\n\r\n')
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
    fixture.cluster.resume()
    assert.deepEqual(await dialled.statuses, [200, 200, 200, 200, 200])
    const { text } = await fixture.get('/metrics')
    assert.match(text, /aspen_http_requests_total\{route="unreadable",status="400"\} 1\n/)
  })

  test('by a body that is cut: what came before is answered, and a refusal is not taken for its answer', async () => {
    const fixture = await listening()
    const { socket, statuses } = dial(fixture.port)
    socket.end(`${writes('k', 2)}POST /read HTTP/1.1\r\n${JSON_HEAD}Content-Length: 100\r\n\r\n{`)
    const [first, second, ...rest] = await statuses
    assert.deepEqual([first, second], [200, 200])
    assert.ok(
      rest.every((status) => status === 400),
      String(rest),
    )
  })

  test('by a stop: all that was begun is answered, and the last of it says that the connection ends', async () => {
    const fixture = await listening()
    fixture.cluster.pause()
    const dialled = dial(fixture.port)
    dialled.socket.write(writes('k', 20))
    await begun(fixture, 20, dialled)
    const drained = fixture.server.drain(5_000)
    fixture.cluster.resume()
    assert.deepEqual(
      await dialled.statuses,
      Array.from({ length: 20 }, () => 200),
    )
    await drained
  })

  test('by garbage behind a refused body: what still comes ends nobody’s node', async () => {
    const fixture = await listening()
    const attack =
      `${post('/nope', 'z'.repeat(20_000))}GET /leader HTTP/1.1\r\n${JSON_HEAD}\r\nGARBAGE\r\n\r\n` + 'x'.repeat(350_000)
    for (let i = 0; i < 5; i++) {
      const { socket, statuses } = dial(fixture.port)
      socket.end(attack)
      await statuses
    }
    const { socket, statuses } = dial(fixture.port)
    socket.end(`GET /health HTTP/1.1\r\n${JSON_HEAD}Connection: close\r\n\r\n`)
    assert.deepEqual(await statuses, [200])
  })
})

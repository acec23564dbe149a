import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { boundPipelines } from './pipeline-bound.ts'
import { MAX_HTTP_TURN_MS } from '../../limits.ts'

const LARGE = Buffer.alloc(256 * 1024, 'x')
const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`

interface Scene {
  readonly server: Server
  /** Paths in the order in which they were served. */
  readonly served: string[]
  /** The most that were served between two turns. */
  readonly most: () => number
  readonly refused: () => number
  client(): Promise<Client>
}

interface Client {
  readonly socket: Socket
  heard: string
}

const opened: { readonly server: Server; readonly clients: Client[] }[] = []

afterEach(() => {
  for (const { server, clients } of opened.splice(0)) {
    for (const { socket } of clients) socket.destroy()
    server.close()
  }
})

interface SceneOptions {
  /** A turn's time is what so many requests take. */
  readonly requestsATurn: number
  readonly maxWaiting?: number
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => void
}

/** A server whose clock goes on with each request that is served, and with nothing else. */
async function scene({ requestsATurn, answer = echo, ...options }: SceneOptions): Promise<Scene> {
  const served: string[] = []
  const clients: Client[] = []
  let [most, now, refused] = [0, 0, 0]
  const server = createServer((request, response) => {
    served.push(request.url ?? '')
    most = Math.max(most, ++now)
    answer(request, response)
  })
  boundPipelines(server, {
    now: () => (served.length * MAX_HTTP_TURN_MS) / requestsATurn,
    refused: () => refused++,
    ...options,
  })
  const count = (): void => {
    now = 0
    if (server.listening) setImmediate(count)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  count()
  opened.push({ server, clients })
  const client = async (): Promise<Client> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const made = { socket, heard: '' }
    clients.push(made)
    socket.on('data', (piece: Buffer) => (made.heard += piece.toString('latin1'))).on('error', () => undefined)
    await once(socket, 'connect')
    return made
  }
  return { server, served, most: () => most, refused: () => refused, client }
}

function echo({ url, method }: IncomingMessage, response: ServerResponse): void {
  if (url === '/large') response.end(LARGE)
  else if (url === '/bad') response.writeHead(400, { 'content-length': 3 }).end('bad')
  else response.end(`${method}:${url};`)
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn()
}

const answers = ({ heard }: Client): number => heard.split('HTTP/1.1 ').length - 1

describe('boundPipelines', () => {
  test('a turn takes its time and one request more, whatever was pipelined on however many connections', async () => {
    const world = await scene({ requestsATurn: 16 })
    const clients = await Promise.all(Array.from({ length: 30 }, () => world.client()))
    for (const { socket } of clients) socket.write(get('/p').repeat(100))
    await until(() => clients.every((client) => answers(client) === 100))
    assert.equal(world.served.length, 3_000)
    assert.ok(world.most() <= 16 + 1, `${world.most()} requests in a turn`)
  })

  test('who asks one thing at a time is served within a few turns, however many wait', async () => {
    const world = await scene({ requestsATurn: 4 })
    const polite = await world.client()
    polite.socket.write(get('/polite'))
    await until(() => answers(polite) === 1)
    const clients = await Promise.all(Array.from({ length: 20 }, () => world.client()))
    for (const { socket } of clients) socket.write(get('/p').repeat(100))
    await until(() => world.served.length > 100)
    for (let asked = 2; asked < 10; asked++) {
      const before = world.served.length
      polite.socket.write(get('/polite'))
      await until(() => answers(polite) === asked)
      const between = world.served.length - before
      assert.ok(between < 60, `${between} others were served before it`)
    }
  })

  test('each request of a pipeline has its answer, in order: without a body, with one, in chunks, refused, the last of all', async () => {
    let pieces = 0
    const body = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      if (request.method !== 'POST') return echo(request, response)
      let text = ''
      for await (const piece of request) {
        text += String(piece)
        pieces++
      }
      response.end(`${text};`)
    }
    const world = await scene({ requestsATurn: 2, answer: (request, response) => void body(request, response) })
    const client = await world.client()
    const post = 'POST /b HTTP/1.1\r\nHost: a\r\n'
    client.socket.write(
      [
        get('/1'),
        get('/2').replace('GET', 'HEAD'),
        `${post}Content-Length: 5\r\n\r\nwhole`,
        get('/bad'),
        // Nobody reads this body.
        get('/3', 'Transfer-Encoding: chunked\r\n') + '1\r\nx\r\n'.repeat(100) + '0\r\n\r\n',
        `${post}Transfer-Encoding: chunked\r\n\r\n${'1\r\nb\r\n'.repeat(100)}0\r\n\r\n`,
        `${post}Transfer-Encoding: chunked\r\n\r\n${'1\r\nc\r\n'.repeat(100)}`,
      ].join(''),
    )
    await until(() => world.served.length === 7)
    client.socket.write(`1\r\nd\r\n0\r\n\r\n${get('/4')}${get('/last', 'Connection: close\r\n')}`)
    await once(client.socket, 'close')
    const parts = client.heard.split(/HTTP\/1\.1 (?=\d)/).slice(1)
    assert.deepEqual(
      parts.map((part) => `${part.slice(0, 3)} ${part.split('\r\n\r\n')[1] ?? ''}`),
      [
        '200 GET:/1;',
        '200 ',
        '200 whole;',
        '400 bad',
        '200 GET:/3;',
        `200 ${'b'.repeat(100)};`,
        `200 ${'c'.repeat(100)}d;`,
        '200 GET:/4;',
        '200 GET:/last;',
      ],
    )
    assert.ok(pieces <= 5, `what waited came in ${pieces} pieces`)
  })

  test('nothing is served behind answers that nobody reads, and all of it once they are read', async () => {
    const world = await scene({ requestsATurn: 1000 })
    const client = await world.client()
    client.socket.pause()
    client.socket.write(get('/large').repeat(120))
    let [before, idle] = [0, 0]
    while (idle < 100) {
      await turn()
      idle = world.served.length === before && before > 0 ? idle + 1 : 0
      before = world.served.length
    }
    assert.ok(before < 120, `${before} were served`)
    let bytes = 0
    client.socket.removeAllListeners('data').on('data', (piece: Buffer) => (bytes += piece.length))
    client.socket.resume()
    await until(() => bytes > 120 * LARGE.length)
    assert.equal(world.served.length, 120)
  })

  test('what a connection had asked for is given up with it', async () => {
    const world = await scene({ requestsATurn: 1 })
    const client = await world.client()
    client.socket.write(get('/p').repeat(120))
    await until(() => world.served.length > 0)
    client.socket.resetAndDestroy()
    const connections = (): Promise<number> =>
      new Promise((resolve) => world.server.getConnections((_error, count) => resolve(count)))
    while ((await connections()) > 0) await turn()
    const served = world.served.length
    for (let i = 0; i < 20; i++) await turn()
    assert.equal(world.served.length, served)
    assert.ok(served < 120, `${served} were served`)
  })

  test('connections that had asked for much, and leave at once, close a few in a turn', async () => {
    const world = await scene({ requestsATurn: 1000 })
    let [most, now, closed] = [0, 0, 0]
    world.server.on('connection', (socket) => {
      socket.once('close', () => {
        if (now++ === 0) setImmediate(() => (now = 0))
        most = Math.max(most, now)
        closed++
      })
    })
    const clients = await Promise.all(Array.from({ length: 60 }, () => world.client()))
    for (const { socket } of clients) {
      socket.pause()
      socket.write(get('/large').repeat(100))
    }
    await until(() => world.served.length >= 60)
    for (let i = 0; i < 20; i++) await turn()
    for (const { socket } of clients) socket.resetAndDestroy()
    await until(() => closed === 60)
    assert.ok(most <= 3, `${most} closed in a turn`)
  })

  test('a connection that brings more than all together may have waiting is cut, is counted, and gives its room back', async () => {
    const world = await scene({ requestsATurn: 1, maxWaiting: 50 })
    const client = await world.client()
    client.socket.write(get('/p').repeat(60))
    await once(client.socket, 'close')
    assert.equal(world.refused(), 1)
    const next = await world.client()
    next.socket.write(get('/p').repeat(40))
    await until(() => answers(next) === 40)
  })

  test('what was refused on connections that have closed gives its room back, too', async () => {
    const world = await scene({ requestsATurn: 1000, maxWaiting: 140 })
    for (let i = 1; i < 5; i++) {
      const client = await world.client()
      client.socket.write(get('/p').repeat(137))
      await once(client.socket, 'close')
      assert.equal(answers(client), 137)
    }
  })

  test('the 129th request at once is refused, and all that were taken are answered before', async () => {
    const world = await scene({ requestsATurn: 3 })
    const client = await world.client()
    client.socket.write(get('/p').repeat(140))
    await once(client.socket, 'close')
    const statuses = client.heard
      .split('HTTP/1.1 ')
      .slice(1)
      .map((part) => part.slice(0, 3))
    assert.deepEqual(statuses, [...Array.from({ length: 128 }, () => '200'), ...Array.from({ length: 12 }, () => '429')])
    assert.ok(world.most() <= 3 + 1, `${world.most()} requests in a turn`)
  })
})

/** What only a real socket shows: limits of the parser, connections, draining. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { after, describe, test } from 'node:test'
import type { HttpServerOptions } from '../../src/faces/http/index.ts'
import { createFixture } from './fixture.ts'
import type { Fixture } from './fixture.ts'

interface Listening extends Fixture {
  readonly url: string
  readonly port: number
}

const opened: Fixture[] = []

async function listening(options: Partial<HttpServerOptions> = {}): Promise<Listening> {
  const fixture = await createFixture({ initialized: true }, options)
  opened.push(fixture)
  const url = await fixture.server.listen()
  return { ...fixture, url, port: Number(new URL(url).port) }
}

after(async () => {
  for (const { cluster, server } of opened) {
    cluster.resume()
    await server.close(0)
  }
})

/** A connection and everything it received until it was closed by the other side. */
function dial(port: number): { readonly socket: net.Socket; readonly received: Promise<string> } {
  const socket = net.connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => (text += chunk))
  socket.on('error', () => undefined)
  return { socket, received: once(socket, 'close').then(() => text) }
}

const READ = '{"key":"k"}'
const READ_HEAD = `POST /read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${READ.length}\r\n\r\n`

/** Resolves once the server works on a request: the paused cluster has taken one more turn. */
async function requestArrived({ cluster }: Fixture, turns: number): Promise<void> {
  while (cluster.status().turns === turns) await new Promise(setImmediate)
}

describe('large bodies', () => {
  const long = `Content-Length: ${64 * 1024 * 1024}\r\n\r\n`
  const chunked = 'Transfer-Encoding: chunked\r\n\r\n400\r\n'
  const heads = [
    ['too long', 413, `Content-Type: application/json\r\n${long}`],
    ['of another type', 415, `Content-Type: text/plain\r\nContent-Length: 100000\r\n\r\n`],
    ['of another type, in chunks', 415, `Content-Type: text/plain\r\n${chunked}`],
  ] as const
  for (const [what, status, head] of heads) {
    test(`a body ${what}, which is cut after its request was refused: the server goes on`, async () => {
      const { url, port } = await listening()
      const { socket, received } = dial(port)
      socket.write(`POST /write HTTP/1.1\r\nHost: 127.0.0.1\r\n${head}${'x'.repeat(1024)}`)
      await once(socket, 'data')
      socket.resetAndDestroy()
      assert.ok((await received).startsWith(`HTTP/1.1 ${status} `))
      assert.equal((await fetch(`${url}/leader`)).status, 200)
    })
  }
})

describe('listen', () => {
  test('answers with the URL and serves it', async () => {
    const { url } = await listening()
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
    const answer = await fetch(`${url}/leader`)
    assert.equal(await answer.text(), '{"leader":1}')
    assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
  })

  test('a busy port: rejects with EADDRINUSE', async () => {
    const { port } = await listening()
    const second = await createFixture({}, { port })
    await assert.rejects(second.server.listen(), { code: 'EADDRINUSE' })
  })
})

describe('requests that cannot be read', () => {
  const cases: readonly (readonly [name: string, bytes: string, status: string, code: string])[] = [
    [
      'headers of more than 16 KiB',
      `GET /leader HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(17 * 1024)}\r\n\r\n`,
      '431',
      'HEADERS_TOO_LARGE',
    ],
    ['bytes that are not HTTP', '\u0016\u0003\u0001 hello\r\n\r\n', '400', 'INVALID_REQUEST'],
    [
      'a Content-Length and chunks at once',
      'POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n',
      '400',
      'INVALID_REQUEST',
    ],
  ]
  for (const [name, bytes, status, code] of cases) {
    test(`${name}: ${status} ${code}, and the connection ends`, async () => {
      const { port } = await listening()
      const { socket, received } = dial(port)
      socket.write(bytes)
      const [head = '', body = ''] = (await received).split('\r\n\r\n')
      assert.match(head, new RegExp(`^HTTP/1.1 ${status} `))
      assert.equal(JSON.parse(body).error.code, code)
    })
  }

  test('no Host header: 403 FORBIDDEN', async () => {
    const { port } = await listening()
    for (const version of ['1.0', '1.1']) {
      const { socket, received } = dial(port)
      socket.write(`GET /leader HTTP/${version}\r\nConnection: close\r\n\r\n`)
      assert.match(await received, /^HTTP\/1\.1 403 [^]*"FORBIDDEN"/)
    }
  })

  test('an expectation that nobody meets: is passed over', async () => {
    const { port } = await listening()
    const { socket, received } = dial(port)
    socket.write('GET /leader HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: a miracle\r\nConnection: close\r\n\r\n')
    assert.match(await received, /^HTTP\/1\.1 200 [^]*"leader":1/)
  })
})

describe('what Node would decide by itself', () => {
  async function answerTo(...sent: readonly string[]): Promise<string> {
    const { port } = await listening()
    const { socket, received } = dial(port)
    for (const text of sent) socket.write(text)
    return received
  }

  test('CONNECT: 405 in words', async () => {
    const answer = await answerTo('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n')
    assert.match(answer, /^HTTP\/1\.1 405 [^]*"METHOD_NOT_ALLOWED"/)
  })

  test('methods that no route has: 405 with those that it has', async () => {
    for (const method of ['QUERY', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'SEARCH', 'LINK']) {
      const answer = await answerTo(`${method} /leader HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 405 [^]*allow: GET, HEAD[^]*"METHOD_NOT_ALLOWED"/i, method)
    }
  })

  test('two Host headers: 400', async () => {
    const answer = await answerTo('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nHOST: evil.example\r\nConnection: close\r\n\r\n')
    assert.match(answer, /^HTTP\/1\.1 400 [^]*more than one Host/)
  })

  test('HTTP/1.0 without a Host: is served by the routes for probes alone', async () => {
    assert.match(await answerTo('GET /health HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /)
    assert.match(await answerTo('GET /ready HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /)
    assert.match(await answerTo('GET /leader HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 403 /)
  })

  test('Expect: 100-continue: the body is asked for when the request is admitted, and not before a refusal', async () => {
    const { port } = await listening()
    const expecting = READ_HEAD.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n')
    const admitted = dial(port)
    admitted.socket.write(expecting)
    await once(admitted.socket, 'data')
    admitted.socket.write(READ)
    assert.match(await admitted.received, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 404 /)
    const refused = dial(port)
    refused.socket.write(expecting.replace('127.0.0.1', 'evil.example').replace('Connection: close\r\n', ''))
    assert.match(await refused.received, /^HTTP\/1\.1 403 [^]*connection: close/i)
  })

  test('many small headers: are refused by number, not by a size that they do not have', async () => {
    const small = Array.from({ length: 1_200 }, (_, i) => `a${i}:b\r\n`).join('')
    assert.match(await answerTo(`GET /leader HTTP/1.1\r\nHost: 127.0.0.1\r\n${small}\r\n`), /^HTTP\/1\.1 431 [^]*or too many/)
  })

  test('a client that has closed its side: hears its answer', async () => {
    const { port } = await listening()
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => (text += chunk))
    socket.end(READ_HEAD + READ)
    await once(socket, 'end')
    assert.match(text, /^HTTP\/1\.1 404 [^]*"KEY_NOT_FOUND"/)
    socket.destroy()
  })

  test('kept connections: live longer than balancers keep theirs', async () => {
    const { url } = await listening()
    assert.equal((await fetch(`${url}/health`)).headers.get('keep-alive'), 'timeout=75')
    const told = await listening({ keepAliveMs: 100_000 })
    assert.equal((await fetch(`${told.url}/health`)).headers.get('keep-alive'), 'timeout=100')
  })
})

describe('close', () => {
  test('with nothing in flight and no grace: ends idle connections and half-sent requests at once', async () => {
    const { port, url, server } = await listening({ idleGraceMs: 0 })
    const half = dial(port)
    half.socket.write('POST /read HTTP/1.1\r\nHost: 127.0.0.1\r\n')
    await fetch(`${url}/leader`)
    await server.close(60_000)
    assert.equal(await half.received, '')
    await assert.rejects(fetch(`${url}/leader`))
  })

  test('with a request in flight: waits for its answer, which says Connection: close', async () => {
    const listened = await listening()
    const { port, server, cluster } = listened
    cluster.pause()
    const turns = cluster.status().turns
    const { socket, received } = dial(port)
    socket.write(READ_HEAD + READ)
    await requestArrived(listened, turns)
    const closed = server.close(60_000)
    cluster.resume()
    const answer = await received
    assert.match(answer, /^HTTP\/1\.1 404 /)
    assert.match(answer, /^connection: close$/im)
    await closed
  })

  test('while draining: new requests on open connections are 503 STOPPING, /health is unhealthy', async () => {
    const listened = await listening()
    const { port, server, cluster } = listened
    cluster.pause()
    const turns = cluster.status().turns
    const first = dial(port)
    first.socket.write(READ_HEAD + READ)
    await requestArrived(listened, turns)
    // Requests whose headers are half here when closing begins, and whole after it.
    const [second, third] = [dial(port), dial(port)]
    const [connected] = await Promise.all([once(second.socket, 'connect'), once(third.socket, 'connect')])
    assert.ok(connected)
    second.socket.write('GET /leader HTTP/1.1\r\n')
    third.socket.write('GET /health HTTP/1.1\r\n')
    // An answer on a later connection proves that the server has read what earlier ones sent.
    await fetch(`${listened.url}/health`)
    const closed = server.close(60_000)
    second.socket.write('Host: 127.0.0.1\r\n\r\n')
    third.socket.write('Host: 127.0.0.1\r\n\r\n')
    const [refused, health] = await Promise.all([second.received, third.received])
    assert.match(refused, /^HTTP\/1\.1 503 [^]*connection: close[^]*"STOPPING"/i)
    assert.match(health, /^HTTP\/1\.1 503 [^]*"unhealthy"/)
    cluster.resume()
    await Promise.all([closed, first.received])
  })

  test('idle connections: the next request on each is refused in words, and then there is nothing to wait for', async () => {
    const { port, server } = await listening({ idleGraceMs: 60_000 })
    const idle = [dial(port), dial(port)]
    for (const { socket } of idle) {
      socket.write('GET /leader HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
      await once(socket, 'data')
    }
    const closed = server.close(60_000)
    for (const { socket, received } of idle) {
      socket.write(READ_HEAD + READ)
      assert.match(await received, /^HTTP\/1\.1 200 [^]*HTTP\/1\.1 503 [^]*connection: close[^]*"STOPPING"/i)
    }
    await closed
  })

  test('under load: every request on a kept connection is answered, the last of each with the refusal', async () => {
    const { url, server } = await listening({ idleGraceMs: 60_000 })
    let answered = 0
    /** Writes one after the other on one connection until it is refused. */
    const writer = async (name: string): Promise<number> => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
      for (;;) {
        const request = http.request(`${url}/write`, { agent, method: 'POST', headers: { 'content-type': 'application/json' } })
        request.end(JSON.stringify({ command: { Set: { key: name, value: 'v' } } }))
        const [response] = (await once(request, 'response')) as [http.IncomingMessage]
        await response.resume().toArray()
        answered++
        if (response.statusCode === 200) continue
        agent.destroy()
        return response.statusCode ?? 0
      }
    }
    const writers = Array.from({ length: 16 }, (_, i) => writer(`w${i}`))
    while (answered < 200) await new Promise(setImmediate)
    await server.close(60_000)
    assert.deepEqual(new Set(await Promise.all(writers)), new Set([503]))
  })

  test('drain: goes on refusing new connections in words until the close', async () => {
    const { url, server } = await listening({ idleGraceMs: 0 })
    await server.drain(60_000)
    const refused = await fetch(`${url}/leader`)
    assert.deepEqual([refused.status, refused.headers.get('connection')], [503, 'close'])
    await server.close(0)
    await assert.rejects(fetch(`${url}/leader`))
  })

  test('a request that outlasts the drain: is cut', async () => {
    const listened = await listening()
    const { port, server, cluster } = listened
    cluster.pause()
    const turns = cluster.status().turns
    const { socket, received } = dial(port)
    socket.write(READ_HEAD + READ)
    await requestArrived(listened, turns)
    await server.close(20)
    assert.equal(await received, '')
  })

  test('twice: both resolve', async () => {
    const { server } = await listening()
    await Promise.all([server.close(100), server.close(100)])
  })
})

describe('a client that leaves', () => {
  test('before its answer: is counted as aborted, and the node goes on', async () => {
    const listened = await listening()
    const { port, url, cluster, metrics } = listened
    cluster.pause()
    const turns = cluster.status().turns
    const { socket, received } = dial(port)
    socket.write(READ_HEAD + READ)
    await requestArrived(listened, turns)
    socket.resetAndDestroy()
    await received
    let text = ''
    while (!text.includes('route="/read",status="aborted"} 1')) {
      await new Promise(setImmediate)
      text = await metrics.render()
    }
    cluster.resume()
    assert.equal((await fetch(`${url}/health`)).status, 200)
  })
})

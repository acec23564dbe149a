/** Bodies that cost more than they are worth: refused before they are read to their end, in words that arrive. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { after, describe, test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import { MAX_BODY_TOKENS, MAX_HTTP_BODY_SIZE, MAX_SMALL_HTTP_BODY_SIZE } from '../../src/limits.ts'
import { createFixture } from '../http/fixture.ts'
import type { Fixture } from '../http/fixture.ts'

const TOKEN = 'open sesame'
const servers: Fixture[] = []

after(async () => {
  for (const { server } of servers) await server.close(0)
})

async function listen(): Promise<number> {
  const fixture = await createFixture({ initialized: true }, { token: TOKEN })
  servers.push(fixture)
  return Number(new URL(await fixture.server.listen()).port)
}

const head = (path: string, more: string, token = TOKEN): string =>
  `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${more}\r\n\r\n`

interface Heard {
  readonly text: string
  readonly failure: Error | undefined
}

/** What a client hears that does not look at its answer before it has sent all, until the connection has ended. */
function hear(port: number, send: (socket: Socket) => void): Promise<Heard> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => send(socket))
    let text = ''
    let failure: Error | undefined
    socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')))
    socket.on('error', (error) => (failure = error))
    socket.on('close', () => resolve({ text, failure }))
  })
}

/** Sends without end, as fast as it is taken. */
function sendForever(socket: Socket, piece: Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece));
  }
  socket.on('drain', more)
  more()
}

describe('a refused body', () => {
  const declared = `Content-Length: ${8 * 1024 * 1024}`
  const refused: readonly (readonly [what: string, status: number, head: string])[] = [
    ['without the token', 401, head('/write', declared, 'wrong')],
    ['for another host', 403, head('/write', declared).replace('Host: 127.0.0.1', 'Host: example.org')],
    ['that no route takes', 404, head('/nowhere', declared)],
    ['for a route that takes none', 405, head('/health', declared)],
    ['of another type', 415, head('/write', declared).replace('application/json', 'text/plain')],
    ['larger than its route takes', 413, head('/read', declared)],
  ]
  for (const [what, status, text] of refused) {
    test(`${what}: who sends it to its end still hears ${status}, and the connection ends`, async () => {
      const heard = await hear(await listen(), (socket) => {
        socket.write(text)
        socket.write(Buffer.alloc(8 * 1024 * 1024, 0x20))
      })
      assert.match(heard.text, new RegExp(`^HTTP/1.1 ${status} `))
      assert.equal(heard.failure, undefined)
    })
  }

  test('in chunks without end: the connection ends all the same', async () => {
    const heard = await hear(await listen(), (socket) => {
      socket.write(head('/write', 'Transfer-Encoding: chunked', 'wrong'))
      sendForever(socket, Buffer.from('1\r\n \r\n'.repeat(10_000)))
    })
    assert.match(heard.text, /^HTTP\/1.1 401 /)
  })

  test('that is short leaves the connection to the next request', async () => {
    const heard = await hear(await listen(), (socket) => {
      const health = 'GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'
      socket.write(`${head('/write', 'Content-Length: 100', 'wrong')}${' '.repeat(100)}${health}`)
    })
    assert.match(heard.text, /^HTTP\/1.1 401 [^]*HTTP\/1.1 200 /)
  })
})

describe('a body of many values', () => {
  test('is refused while it comes: nobody has to send, or to make, five million objects', async () => {
    const heard = await hear(await listen(), (socket) => {
      socket.write(head('/write', `Content-Length: ${MAX_HTTP_BODY_SIZE}`))
      socket.write(`[${'{},'.repeat(MAX_BODY_TOKENS)}`)
    })
    assert.match(heard.text, /^HTTP\/1.1 400 [^]*INVALID_REQUEST[^]*more than 10000 values/)
  })

  test('may hold the largest transaction there is', async () => {
    const fixture = await createFixture({ initialized: true })
    const key = (i: number): string => `key-${String(i).padStart(4, '0')}`.padEnd(200, '.')
    const compare = Array.from({ length: 50 }, (_, i) => ({ key: key(i), absent: true }))
    const then = Array.from({ length: 50 }, (_, i) => ({ Set: { key: key(i), value: '[{,:"\\'.repeat(5_000) } }))
    const { status, body } = await fixture.post('/write', { command: { Txn: { compare, then, else: [] } } })
    assert.deepEqual([status, body.succeeded], [200, true])
  })
})

test('bodies are bounded by their route', async () => {
  const fixture = await createFixture({ initialized: true })
  const spaces = (size: number): Buffer => Buffer.alloc(size, 0x20)
  const json = { 'content-type': 'application/json' }
  for (const path of ['/read', '/scan', '/init', '/add-learner', '/change-membership', '/add-peer', '/trigger-snapshot']) {
    const answer = await fixture.send('POST', path, spaces(MAX_SMALL_HTTP_BODY_SIZE + 1), json)
    assert.deepEqual([answer.status, answer.body.error.code], [413, new AspenError('BODY_TOO_LARGE', '').code], path)
    assert.match(answer.body.error.message, /larger than 262144 bytes/)
  }
})

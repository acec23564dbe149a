/** Bytes that are nearly HTTP, over real connections, in pieces: answers as documented, and connections that end. */
import assert from 'node:assert/strict'
import { METHODS } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { ERROR_CATALOGUE } from '../../src/api/index.ts'
import { chance, concatBytes, pick, Prng, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import { createFixture } from '../http/fixture.ts'
import type { Fixture } from '../http/fixture.ts'
import { flood, Tally } from './flood.ts'
import { randomRequest, rawRequest } from './http-requests.ts'

/** 100 for those who expect it, 408 for what has not become a request in time. */
const STATUSES = new Set<number>([100, 200, 408, ...Object.values(ERROR_CATALOGUE).map(({ status }) => status)])
/** Connections at a time. */
const WIDTH = 16
const MAX_CONNECTION_MS = 20_000

interface Answer {
  readonly status: number
  readonly body: string
}

/** The answers on one connection. Answers to HEAD have a length and no body: the next answer follows. */
function parseAnswers(text: string): Answer[] {
  const answers: Answer[] = []
  for (let at = 0; at < text.length;) {
    const head = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(at))
    assert.ok(head !== null, `no answer begins at ${at} of ${JSON.stringify(text)}`)
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head[0])?.[1] ?? 0)
    const begin = at + head[0].length
    const bodiless = length > 0 && (begin === text.length || text.startsWith('HTTP/1.1 ', begin))
    at = begin + (bodiless ? 0 : length)
    answers.push({ status: Number(head[1]), body: bodiless ? '' : text.slice(begin, at) })
  }
  return answers
}

function checkAnswer({ status, body }: Answer): void {
  assert.ok(STATUSES.has(status) && status !== 500, `status ${status}: ${body}`)
  if (status < 400 || body === '') return
  const parsed = JSON.parse(body) as { error?: { code: string }; status?: string }
  assert.ok((parsed.error !== undefined && parsed.error.code in ERROR_CATALOGUE) || parsed.status === 'unhealthy', body)
}

async function writePieces(random: Random, socket: Socket, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const end = chance(random, 0.3) ? bytes.length : at + randomBetween(random, 1, bytes.length)
    socket.write(bytes.subarray(at, end))
    at = end
    if (at < bytes.length) await new Promise(setImmediate)
  }
}

/** One connection from its first byte to its end. */
async function converse(random: Random, port: number, tally: Tally): Promise<void> {
  const requests = Array.from({ length: pick(random, [1, 1, 2, 5]) }, () =>
    rawRequest(random, randomRequest(random, [...METHODS, 'FOO', ''])),
  )
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const chunks: Buffer[] = []
  const timer = setTimeout(() => socket.destroy(new Error('stuck')), MAX_CONNECTION_MS)
  let failure: (Error & { code?: string }) | undefined
  socket.on('error', (error) => (failure = error)).on('data', (chunk: Buffer) => chunks.push(chunk))
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  socket.once('close', () => resolve())
  await writePieces(random, socket, concatBytes(requests))
  const leaves = chance(random, 0.15)
  if (leaves) socket.destroy()
  else socket.end()
  await closed
  clearTimeout(timer)
  assert.notEqual(failure?.message, 'stuck', `the connection was not closed within ${MAX_CONNECTION_MS} ms`)
  if (failure !== undefined) tally.add(failure.code ?? failure.message)
  // What a reset or a departure has cut says nothing.
  if (leaves || failure !== undefined) return
  const answers = parseAnswers(Buffer.concat(chunks).toString('latin1'))
  if (answers.length === 0) tally.add('no answer')
  for (const answer of answers) {
    checkAnswer(answer)
    tally.add(String(answer.status))
  }
}

async function assertServes(fixture: Fixture, url: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ command: { Set: { key: 'after', value: 'the flood' } } })
  const answer = await fetch(`${url}/write`, { method: 'POST', headers, body })
  assert.equal(answer.status, 200, await answer.text())
  const connections = await new Promise<number>((resolve) =>
    fixture.server.app.server.getConnections((_, count) => resolve(count)),
  )
  assert.ok(connections <= WIDTH, `${connections} connections are still open`)
  assert.deepEqual(
    fixture.logged.filter(({ level }) => level === 'error'),
    [],
  )
}

async function round(random: Random, count: number, tally: Tally): Promise<void> {
  const fixture = await createFixture()
  const url = await fixture.server.listen()
  const port = Number(new URL(url).port)
  let left = count
  const failures: unknown[] = []
  const work = async (own: Random): Promise<void> => {
    try {
      while (left-- > 0) await converse(own, port, tally)
    } catch (error) {
      failures.push(error)
      left = 0
    }
  }
  try {
    await Promise.all(Array.from({ length: WIDTH }, () => work(new Prng(random.nextUint32()))))
    assert.deepEqual(failures, [])
    await assertServes(fixture, url)
  } finally {
    await fixture.server.close(0)
  }
}

export async function floodHttpSockets(context: TestContext, connections: number): Promise<void> {
  const tally = new Tally()
  await flood(context, { inputs: connections, perRound: 500, round: (random, count) => round(random, count, tally) })
  context.diagnostic(String(tally))
  for (const status of ['200', '400'])
    assert.ok(tally.count(status) > connections / 20, `the inputs are one-sided: ${String(tally)}`)
}

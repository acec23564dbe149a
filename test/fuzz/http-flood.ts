/** Requests that are nearly right, into the server without a socket: documented answers, and refusals that change nothing. */
import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { METHODS } from 'node:http'
import type { TestContext } from 'node:test'
import { ERROR_CATALOGUE } from '../../src/api/index.ts'
import type { Random } from '../../src/lib/index.ts'
import { chance } from '../../src/lib/index.ts'
import { checkAnswer } from '../http/check-answer.ts'
import type { OpenApiDocument } from '../http/check-answer.ts'
import { createFixture } from '../http/fixture.ts'
import type { Fixture } from '../http/fixture.ts'
import { flood, Tally } from './flood.ts'
import { randomRequest } from './http-requests.ts'
import type { FuzzRequest } from './http-requests.ts'

const STATUSES = new Set<number>([200, 503, ...Object.values(ERROR_CATALOGUE).map(({ status }) => status)])
/** An answer takes a millisecond; a request that takes this long holds up everybody else. */
const MAX_ANSWER_MS = 3_000

/** Refused where it is applied: it has a place in the log, and changes nothing else. */
const REFUSED_IN_THE_LOG = /"code":"(?:SEQUENCE_REUSED|SEQUENCE_PASSED|SESSION_UNKNOWN)"/

/** What a refusal leaves as it is. */
function state({ cluster }: Fixture): { readonly log: unknown; readonly rest: unknown } {
  const {
    initialized,
    lastLogIndex,
    revision,
    keys,
    stateBytes,
    snapshotIndex,
    cluster: members,
    peers,
    poisoned,
  } = cluster.status()
  return {
    log: { lastLogIndex, peers },
    rest: { initialized, revision, keys, stateBytes, snapshotIndex, members, poisoned },
  }
}

/** The route that the server's router takes the path to. */
function routeOf(path: string): string {
  const plain = path.split(/[?#]/, 1)[0] ?? ''
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}

/** The same for every server. Validators are kept by document, and there is a server a round. */
let openapi: OpenApiDocument | undefined

function checkStatus(fixture: Fixture, request: FuzzRequest, status: number, type: unknown, text: string): void {
  assert.ok(STATUSES.has(status), `status ${status}`)
  assert.notEqual(status, 500, text)
  if (request.method === 'HEAD') return assert.equal(text, '')
  const body: unknown = String(type).startsWith('application/json') ? JSON.parse(text) : text
  openapi ??= fixture.openapi
  checkAnswer(openapi, request.method, routeOf(request.path), status, body)
}

async function send(fixture: Fixture, request: FuzzRequest, tally: Tally): Promise<void> {
  const before = state(fixture)
  const started = performance.now()
  const answer = await fixture.server.app.inject({
    method: request.method as 'GET',
    url: request.path,
    headers: request.headers,
    ...(request.body === undefined ? {} : { payload: Buffer.from(request.body) }),
  })
  const { statusCode, headers, body } = answer
  const took = performance.now() - started
  assert.ok(took < MAX_ANSWER_MS, `the answer took ${Math.round(took)} ms`)
  assert.ok(
    statusCode !== 200 || isUtf8(request.body ?? new Uint8Array()) || request.method !== 'POST',
    'a body that is no text was taken',
  )
  checkStatus(fixture, request, statusCode, headers['content-type'], body)
  if (statusCode >= 400 || request.method !== 'POST') {
    const after = state(fixture)
    assert.deepEqual(after.rest, before.rest, `a refused request changed the state`)
    if (!REFUSED_IN_THE_LOG.test(body)) assert.deepEqual(after.log, before.log, `a refused request has a place in the log`)
  }
  tally.add(String(statusCode))
}

function shown({ method, path, headers, body }: FuzzRequest): string {
  const text = Buffer.from(body ?? []).toString('latin1')
  return `${method} ${path} ${JSON.stringify(headers)} ${JSON.stringify(text.slice(0, 500))} (${text.length} bytes)`
}

async function post(fixture: Fixture, url: string, body: object): Promise<string> {
  const answer = await fixture.server.app.inject({ method: 'POST', url, headers: { host: 'localhost' }, payload: body })
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.body
}

/** A good write and the read of it. */
async function assertServes(fixture: Fixture): Promise<void> {
  assert.deepEqual(
    fixture.logged.filter(({ level }) => level !== 'info' && level !== 'debug'),
    [],
  )
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  if (!fixture.cluster.status().initialized) await post(fixture, '/init', { members: [1] })
  await post(fixture, '/write', { command: { Set: { key: 'after', value: 'the flood' } } })
  assert.equal(await post(fixture, '/read', { key: 'after' }), '{"value":"the flood"}')
}

async function round(random: Random, count: number, tally: Tally): Promise<void> {
  const fixture = await createFixture({ initialized: !chance(random, 0.15) })
  for (let i = 0; i < count; i++) {
    const request = randomRequest(random, METHODS)
    try {
      await send(fixture, request, tally)
    } catch (error) {
      throw new Error(`${shown(request)}: ${(error as Error).message}`, { cause: error })
    }
  }
  await assertServes(fixture)
  await fixture.server.close(0)
}

export async function floodHttp(context: TestContext, inputs: number): Promise<void> {
  const tally = new Tally()
  await flood(context, { inputs, perRound: 1000, round: (random, count) => round(random, count, tally) })
  context.diagnostic(String(tally))
  for (const status of ['200', '400', '413', '415']) {
    assert.ok(tally.count(status) > inputs / 1000, `the inputs are one-sided: ${String(tally)}`)
  }
}

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, describe, test } from 'node:test'
import { connectHttp } from '../../src/client/index.ts'
import type { AspenHttpClient, HttpClientOptions } from '../../src/client/index.ts'
import { AspenError } from '../../src/api/index.ts'
import type { ErrorCode } from '../../src/api/index.ts'
import { describeStore } from '../client/store-contract.ts'
import type { Behaviour, ClientWorld } from '../client/store-contract.ts'
import { createFixture, fixtureOver } from './fixture.ts'
import type { Fixture } from './fixture.ts'

const closers: (() => unknown)[] = []
after(async () => {
  for (const close of closers) await close()
})

async function node(fixture: Fixture): Promise<string> {
  closers.push(() => {
    fixture.cluster.resume()
    return fixture.server.close(0)
  })
  return fixture.server.listen()
}

function client(urls: string | readonly string[], options: HttpClientOptions = {}): AspenHttpClient {
  const connected = connectHttp(urls, options)
  closers.push(() => connected.close())
  return connected
}

async function listen(server: Server | net.Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A node that answers in its own way, and how often it was asked. */
async function scripted(answer: RequestListener): Promise<{ readonly url: string; asked(): number }> {
  let asked = 0
  const server = createServer((request, response) => {
    asked++
    request.resume().on('end', () => answer(request, response))
  })
  return { url: await listen(server), asked: () => asked }
}

function refusing(code: ErrorCode): RequestListener {
  const error = new AspenError(code, 'because', { at: 'test' })
  return (_request, response) => {
    response.writeHead(error.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: { code, message: error.message, retryable: error.retryable, details: error.details } }))
  }
}

/** Takes the request and hangs up. */
const resetting: RequestListener = (request) => request.socket.destroy()

/** A port on which nobody listens. */
async function deadUrl(): Promise<string> {
  const server = net.createServer()
  const url = await listen(server)
  server.close()
  await once(server, 'close')
  return url
}

const WRITE = { Set: { key: 'k', value: 'v' } }

function listenerOf(behaviour: Behaviour): RequestListener {
  if (behaviour === 'reset') return resetting
  return behaviour === 'silent' ? () => undefined : refusing(behaviour.refuse)
}

function createWorld(): ClientWorld<string> {
  return {
    node: async (cluster) => node(await fixtureOver(cluster)),
    scripted: async (behaviour) => {
      const { url, asked } = await scripted(listenerOf(behaviour))
      return { target: url, asked }
    },
    dead: deadUrl,
    client: (targets, options) => client(targets, options),
    deadDetails: (url) => ({ url, reason: 'ECONNREFUSED' }),
    close: async () => undefined,
  }
}

describeStore('connectHttp', createWorld)

describe('connectHttp: the cluster controller', () => {
  test('every method: is that of the node', async () => {
    const fixture = await createFixture({})
    const aspen = client(await node(fixture))
    const endpointId = 'a'.repeat(64)
    await assert.rejects(aspen.write(WRITE), { code: 'NOT_INITIALIZED' })
    await aspen.addPeer({ nodeId: 2, endpointId, addresses: ['127.0.0.1:26002'], relay: null })
    assert.deepEqual((await aspen.init([1])).members, [1])
    const state = await aspen.addLearner(2, endpointId)
    assert.deepEqual(state.nodes[1], { id: 2, endpointId, addresses: ['127.0.0.1:26002'] })
    assert.deepEqual((await aspen.changeMembership({ members: [1, 2] })).members, [1, 2])
    assert.deepEqual(await aspen.changeMembership({ members: [1], learners: [2], ifIndex: 3, ifMembers: [1, 2] }), {
      ...state,
      index: 4,
    })
    assert.deepEqual(await aspen.clusterState(), { ...state, index: 4 })
    assert.equal(await aspen.leader(), 1)
    assert.deepEqual(await aspen.triggerSnapshot(), { id: 'snapshot-1-4', logId: { term: 1, index: 4 }, sizeBytes: 0 })
    assert.deepEqual({ ...(await aspen.status()), turns: 0, uptimeMs: 0 }, { ...fixture.cluster.status(), turns: 0, uptimeMs: 0 })
    assert.deepEqual(await aspen.health(), { status: 'healthy', nodeId: 1, leader: 1, ready: true })
    fixture.cluster.poison('a sync failed')
    assert.equal((await aspen.health()).status, 'unhealthy')
  })
})

describe('connectHttp: beyond the store', () => {
  test('a token: is sent', async () => {
    const fixture = await createFixture({ initialized: true }, { token: 'sesame' })
    const url = await node(fixture)
    await assert.rejects(client(url).leader(), { code: 'UNAUTHORIZED' })
    assert.equal(await client(url, { token: 'sesame' }).leader(), 1)
  })

  test('more calls than connections: are all answered', async () => {
    const fixture = await createFixture()
    const aspen = client(await node(fixture), { connectionsPerNode: 4 })
    await Promise.all(Array.from({ length: 200 }, (_, i) => aspen.write({ Set: { key: `k${i}`, value: '' } })))
    assert.equal(fixture.cluster.status().keys, 200)
  })

  test('a write with an answer that is none: OUTCOME_UNKNOWN, asked once', async () => {
    for (const [status, text] of [
      [502, 'Bad Gateway'],
      [200, '{}'],
      [200, 'ok'],
      [500, '{"success":true}'],
    ] as const) {
      // prettier-ignore
      const strange = await scripted((_request, response) => response.writeHead(status).end(text))
      await assert.rejects(client([strange.url, strange.url]).write(WRITE), { code: 'OUTCOME_UNKNOWN' }, text)
      assert.equal(strange.asked(), 1)
    }
  })

  test('a call about one node: is not sent to another one', async () => {
    const fixture = await createFixture({})
    const urls = [await deadUrl(), await node(fixture)]
    await assert.rejects(client(urls).init([1]), { code: 'NO_LEADER' })
    await assert.rejects(client(urls).status(), { code: 'NO_LEADER' })
    assert.equal(fixture.cluster.status().initialized, false)
  })

  test('URLs that are none: INVALID_REQUEST', () => {
    for (const urls of [[], '', 'localhost:8080', 'ftp://localhost', ['http://127.0.0.1:1', 'nonsense']]) {
      assert.throws(() => connectHttp(urls), { code: 'INVALID_REQUEST' }, String(urls))
    }
    for (const [more, message] of [
      ['/kv', /the path \/kv: .*; write http:\/\/host:1$/],
      ['/?a=1', /a query/],
      ['/#a', /a fragment/],
    ] as const)
      assert.throws(() => connectHttp(`http://host:1${more}`), { code: 'INVALID_REQUEST', message })
    const secret = (error: Error): boolean => /has a user/.test(error.message) && !error.message.includes('hidden')
    assert.throws(() => connectHttp('http://me:hidden@host:1'), secret)
  })

  test('nodes that all refuse: NO_LEADER that names each of them, why, and what to do', async () => {
    const urls = [await deadUrl(), await deadUrl()]
    await assert.rejects(client(urls, { timeoutMs: 300 }).write(WRITE), (error: AspenError) => {
      assert.equal(error.code, 'NO_LEADER')
      for (const url of urls) assert.ok(error.message.includes(`${url}: ECONNREFUSED`), error.message)
      assert.match(error.message, /^POST \/write reached no node: .*; check that nodes run there/)
      return true
    })
  })
})

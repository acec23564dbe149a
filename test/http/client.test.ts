import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, describe, test } from 'node:test'
import { connectHttp, KvClient } from '../../src/client/index.ts'
import type { AspenHttpClient, HttpClientOptions } from '../../src/client/index.ts'
import { AspenError } from '../../src/api/index.ts'
import type { ErrorCode } from '../../src/api/index.ts'
import { createFixture } from './fixture.ts'
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
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

describe('connectHttp: the key-value store', () => {
  test('write, read and scan: are those of the store itself', async () => {
    const fixture = await createFixture()
    const aspen = client(await node(fixture))
    assert.deepEqual(await aspen.write({ Set: { key: 'hello', value: 'wörld' } }), { logId: { term: 1, index: 2 } })
    assert.deepEqual(await aspen.write({ SetMulti: { pairs: [['a', bytes(0xff)], ['b', '']] } }), { logId: { term: 1, index: 3 } }) // prettier-ignore
    await aspen.write({ Set: { key: bytes(0xfe, 0), value: bytes() } })
    for (const key of ['hello', 'a', 'b', bytes(0xfe, 0), 'missing']) {
      assert.deepEqual(plain(await aspen.read(key)), plain(await fixture.cluster.read(key)), String(key))
    }
    const request = { start: 'a', limit: 2 }
    const page = await aspen.scan(request)
    assert.deepEqual(plain(page), plain(await fixture.cluster.scan(request)))
    assert.ok(page.token !== null)
    assert.deepEqual(
      plain(await aspen.scan({ ...request, token: page.token })),
      plain(await fixture.cluster.scan({ ...request, token: page.token })),
    )
    await aspen.write({ DeleteMulti: { keys: ['a', bytes(0xfe, 0)] } })
    await aspen.write({ Delete: { key: 'b' } })
    assert.equal(fixture.cluster.status().keys, 1)
  })

  test('Txn: conditions, branches and results survive the way', async () => {
    const fixture = await createFixture()
    const aspen = client(await node(fixture))
    const txn = {
      Txn: {
        compare: [{ key: 'a', absent: true }, { key: 'b', mod_revision: 0 }],
        then: [{ Set: { key: 'a', value: bytes(0x80) } }, { Get: { key: 'a' } }, { Delete: { key: 'b' } }],
        else: [{ Get: { key: 'b' } }],
      },
    } as const // prettier-ignore
    const entry = { key: bytes(0x61), value: bytes(0x80), createRevision: 2, modRevision: 2, version: 1 }
    assert.deepEqual(await aspen.write(txn), {
      logId: { term: 1, index: 2 },
      txn: { succeeded: true, results: [{ type: 'set' }, { type: 'get', entry }, { type: 'delete', deleted: false }] },
    })
    const again = await aspen.write(txn)
    assert.deepEqual(again.txn, { succeeded: false, results: [{ type: 'get', entry: null }] })
    const byValue = await aspen.write({ Txn: { compare: [{ key: 'a', value: bytes(0x80) }], then: [] } })
    assert.equal(byValue.txn?.succeeded, true)
  })

  test('errors: arrive with code, message and details', async () => {
    const fixture = await createFixture()
    const aspen = client(await node(fixture))
    await assert.rejects(aspen.write({ Set: { key: 'k'.repeat(2000), value: '' } }), {
      name: 'AspenError',
      code: 'KEY_TOO_LARGE',
      details: { size: 2000, limit: 1024 },
    })
    await assert.rejects(aspen.write({ Set: { key: '\ud800', value: '' } }), { code: 'INVALID_REQUEST' })
    await assert.rejects(aspen.write({ Set: { key: '\ud800', value: bytes(1) } }), { code: 'INVALID_REQUEST' })
    await assert.rejects(aspen.scan({ token: 'nonsense' }), { code: 'INVALID_TOKEN' })
    await assert.rejects(aspen.read(''), { code: 'INVALID_KEY' })
    fixture.cluster.poison('a sync failed')
    await assert.rejects(aspen.write(WRITE), { code: 'POISONED' })
  })

  test('origin: a repeated write is answered as the first time', async () => {
    const fixture = await createFixture()
    const aspen = client(await node(fixture))
    const origin = { client: 'c', sequence: 1 }
    assert.deepEqual(await aspen.write(WRITE, { origin }), await aspen.write(WRITE, { origin }))
    assert.equal(fixture.cluster.status().lastLogIndex, 2)
  })

  test('a token: is sent', async () => {
    const fixture = await createFixture({ initialized: true }, { token: 'sesame' })
    const url = await node(fixture)
    await assert.rejects(client(url).leader(), { code: 'UNAUTHORIZED' })
    assert.equal(await client(url, { token: 'sesame' }).leader(), 1)
  })

  test('many calls at once: are all answered', async () => {
    const fixture = await createFixture()
    const aspen = client(await node(fixture), { connectionsPerNode: 4 })
    await Promise.all(Array.from({ length: 200 }, (_, i) => aspen.write({ Set: { key: `k${i}`, value: '' } })))
    assert.equal(fixture.cluster.status().keys, 200)
  })
})

/** Buffers and Uint8Arrays of the same bytes are alike. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}

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
    assert.deepEqual(await aspen.changeMembership({ members: [1], learners: [2] }), state)
    assert.deepEqual(await aspen.clusterState(), state)
    assert.equal(await aspen.leader(), 1)
    assert.deepEqual(await aspen.triggerSnapshot(), { id: 'snapshot-1-4', logId: { term: 1, index: 4 }, sizeBytes: 0 })
    assert.deepEqual({ ...(await aspen.status()), turns: 0, uptimeMs: 0 }, { ...fixture.cluster.status(), turns: 0, uptimeMs: 0 })
    assert.deepEqual(await aspen.health(), { status: 'healthy', nodeId: 1, leader: 1, ready: true })
    fixture.cluster.poison('a sync failed')
    assert.equal((await aspen.health()).status, 'unhealthy')
  })
})

describe('connectHttp: nodes in trouble', () => {
  test('a node that refuses connections: the next one is asked, also for writes', async () => {
    const fixture = await createFixture()
    const aspen = client([await deadUrl(), await node(fixture)])
    await aspen.write(WRITE)
    assert.equal((await aspen.read('k'))?.version, 1)
  })

  test('a refusal that changed nothing: the next node is asked, also for writes', async () => {
    for (const code of ['NO_LEADER', 'NOT_LEADER', 'NOT_APPLIED', 'STOPPING', 'NOT_INITIALIZED'] as const) {
      const bad = await scripted(refusing(code))
      const fixture = await createFixture()
      await client([bad.url, await node(fixture)]).write(WRITE)
      assert.deepEqual([bad.asked(), fixture.cluster.status().lastLogIndex], [1, 2], code)
    }
  })

  test('a connection reset after a write was sent: OUTCOME_UNKNOWN, and nobody else is asked', async () => {
    const bad = await scripted(resetting)
    const good = await scripted(refusing('INTERNAL'))
    await assert.rejects(client([bad.url, good.url]).write(WRITE), { code: 'OUTCOME_UNKNOWN' })
    assert.deepEqual([bad.asked(), good.asked()], [1, 0])
  })

  test('a write without an answer in time, or with one that is none: OUTCOME_UNKNOWN, asked once', async () => {
    const silent = await scripted(() => undefined)
    await assert.rejects(client([silent.url, silent.url]).write(WRITE, { timeoutMs: 30 }), { code: 'OUTCOME_UNKNOWN' })
    assert.equal(silent.asked(), 1)
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

  test('OUTCOME_UNKNOWN, POISONED and INTERNAL from a node: a write is not sent again', async () => {
    for (const code of ['OUTCOME_UNKNOWN', 'POISONED', 'INTERNAL', 'QUOTA_EXCEEDED', 'INVALID_REQUEST'] as const) {
      const bad = await scripted(refusing(code))
      await assert.rejects(client([bad.url, bad.url]).write(WRITE), { code, details: { at: 'test' } })
      assert.equal(bad.asked(), 1, code)
    }
  })

  test('a write with an origin, and a read: go on to the next node after anything of the kind', async () => {
    for (const answer of [resetting, refusing('OUTCOME_UNKNOWN'), refusing('POISONED'), refusing('INTERNAL')]) {
      const bad = await scripted(answer)
      const fixture = await createFixture()
      const urls = [bad.url, await node(fixture)]
      await client(urls).write(WRITE, { origin: { client: 'c', sequence: 1 } })
      assert.equal((await client(urls).read('k'))?.version, 1)
      assert.equal(bad.asked(), 2)
    }
  })

  test('a silent node: a read asks the next one within its deadline', async () => {
    const silent = await scripted(() => undefined)
    const fixture = await createFixture()
    await fixture.cluster.write(WRITE)
    const entry = await client([silent.url, await node(fixture)]).read('k', { timeoutMs: 1_000 })
    assert.equal(entry?.version, 1)
  })

  test('no leader for a while: the call is repeated until there is one', async () => {
    const fixture = await createFixture()
    const url = await node(fixture)
    fixture.cluster.setLeader(null)
    const written = client(url).write(WRITE)
    while (fixture.cluster.status().turns < 3) await new Promise(setImmediate)
    fixture.cluster.setLeader(1)
    assert.deepEqual((await written).logId, { term: 1, index: 2 })
  })

  test('no leader until the deadline: NO_LEADER with the details of the node', async () => {
    const fixture = await createFixture()
    const url = await node(fixture)
    fixture.cluster.setLeader(null)
    await assert.rejects(client(url).write(WRITE, { timeoutMs: 60 }), { code: 'NO_LEADER', details: { leader: null, term: 1 } })
  })

  test('nobody reachable: NO_LEADER that names the last URL and the reason', async () => {
    const url = await deadUrl()
    await assert.rejects(client(url, { timeoutMs: 60 }).write(WRITE), {
      code: 'NO_LEADER',
      details: { url, reason: 'ECONNREFUSED' },
    })
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
  })
})

describe('KvClient', () => {
  test('set, get, delete and entries: over any store', async () => {
    const fixture = await createFixture()
    for (const store of [client(await node(fixture)), fixture.cluster]) {
      const kv = new KvClient(store)
      for (let i = 0; i < 5; i++) await kv.set(`user/${i}`, `value ${i}`)
      assert.equal(await kv.getText('user/3'), 'value 3')
      assert.deepEqual(plain(await kv.get('user/3')), [...Buffer.from('value 3')])
      const keys: string[] = []
      for await (const entry of kv.entries({ prefix: 'user/', limit: 2 })) keys.push(Buffer.from(entry.key).toString())
      assert.deepEqual(keys, ['user/0', 'user/1', 'user/2', 'user/3', 'user/4'])
      await kv.delete('user/3')
      assert.deepEqual([await kv.get('user/3'), await kv.getText('user/3')], [undefined, undefined])
    }
  })
})

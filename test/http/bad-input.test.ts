import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  MAX_COMMAND_SIZE,
  MAX_HTTP_BODY_SIZE,
  MAX_KEY_SIZE,
  MAX_SETMULTI_KEYS,
  MAX_VALUE_SIZE,
  MAX_VOTERS,
} from '../../src/limits.ts'
import { createFixture } from './fixture.ts'
import type { Fixture } from './fixture.ts'

const JSON_HEADERS = { 'content-type': 'application/json' }

/** Sends the request, expects the refusal, and expects that the node has not changed and goes on. */
async function refuses(
  fixture: Fixture,
  path: string,
  body: string | Buffer | object,
  expected: readonly [status: number, code: string],
  headers: Record<string, string> = JSON_HEADERS,
): Promise<void> {
  const before = fixture.cluster.status()
  const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const answer = await fixture.send('POST', path, payload, headers)
  assert.deepEqual([answer.status, answer.body.error.code], expected, `${path} ${payload.toString().slice(0, 200)}`)
  assert.equal(answer.body.error.retryable, false)
  const after = fixture.cluster.status()
  assert.deepEqual([after.lastLogIndex, after.keys, after.cluster], [before.lastLogIndex, before.keys, before.cluster])
  assert.equal((await fixture.get('/health')).status, 200)
}

function set(key: unknown, value: unknown): object {
  return { command: { Set: { key, value } } }
}

describe('bodies that are not what a route takes', () => {
  test('malformed JSON: 400 INVALID_REQUEST', async () => {
    const fixture = await createFixture()
    const bodies = ['{', '', 'nothing', '{"key":"a"}}', "{'key':'a'}", '[1]', 'null', '"text"', '3', '[[[['.repeat(10_000)]
    for (const body of bodies) await refuses(fixture, '/read', body, [400, 'INVALID_REQUEST'])
  })

  test('bytes that are not UTF-8: 400 INVALID_REQUEST', async () => {
    const fixture = await createFixture()
    const body = Buffer.concat([Buffer.from('{"key":"'), Buffer.from([0xff]), Buffer.from('"}')])
    await refuses(fixture, '/read', body, [400, 'INVALID_REQUEST'])
  })

  test('a field that there is not: it is named, and those that there are', async () => {
    const fixture = await createFixture()
    for (const [path, body, words] of [
      ['/read', { key: 'a', kye: 1 }, /^the body has a field "kye": it may have key, values, keys, metadata, timeout_ms: see/],
      [
        '/init',
        { members: [1], ['x'.repeat(500)]: 1 },
        /^the body has a field "x{40}"\.\.\.: it may have members, timeout_ms: see/,
      ],
    ] as const) {
      const { status, body: answer } = await fixture.post(path, body)
      assert.equal(status, 400)
      assert.match(answer.error.message, words)
    }
  })

  test('wrong types: 400 INVALID_REQUEST, nothing coerced', async () => {
    const fixture = await createFixture()
    for (const body of [
      {},
      { key: 1 },
      { key: null },
      { key: ['a'] },
      { key: 'a', metadata: 'yes' },
      { key: 'a', values: 'hex' },
    ]) {
      await refuses(fixture, '/read', body, [400, 'INVALID_REQUEST'])
    }
    for (const body of [set('k', 1), set('k', null), set(true, 'v'), { command: 'Set' }, { command: null }, { command: [] }]) {
      await refuses(fixture, '/write', body, [400, 'INVALID_REQUEST'])
    }
  })

  test('unknown members: 400 INVALID_REQUEST that names the member', async () => {
    const fixture = await createFixture()
    await refuses(fixture, '/read', { key: 'a', ttl: 1 }, [400, 'INVALID_REQUEST'])
    await refuses(fixture, '/write', { command: { Set: { key: 'k', value: 'v', ttl: 1 } } }, [400, 'INVALID_REQUEST'])
    await refuses(fixture, '/scan', { prefix: 'a', reverse: true }, [400, 'INVALID_REQUEST'])
    const { body } = await fixture.post('/read', { key: 'a', ttl: 1 })
    assert.match(body.error.message, /ttl/)
  })

  test('no command, an unknown one, or two: 400 INVALID_REQUEST', async () => {
    const fixture = await createFixture()
    const two = { Set: { key: 'a', value: 'b' }, Delete: { key: 'a' } }
    for (const command of [{}, { Swap: { key: 'a' } }, two, { Set: {} }, { SetMulti: { pairs: [['a']] } }]) {
      await refuses(fixture, '/write', { command }, [400, 'INVALID_REQUEST'])
    }
    const conditions = [
      { key: 'a' },
      { key: 'a', absent: true, value: 'b' },
      { key: 'a', mod_revision: -1 },
      { key: 'a', mod_revision: 1.5 },
    ]
    for (const condition of conditions) {
      await refuses(fixture, '/write', { command: { Txn: { compare: [condition], then: [] } } }, [400, 'INVALID_REQUEST'])
    }
  })

  test('a wrong or missing content type: 415 UNSUPPORTED_MEDIA_TYPE', async () => {
    const fixture = await createFixture()
    const body = JSON.stringify(set('k', 'v'))
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'json',
      'text/json',
    ]) {
      await refuses(fixture, '/write', body, [415, 'UNSUPPORTED_MEDIA_TYPE'], { 'content-type': type })
    }
    await refuses(fixture, '/write', Buffer.from(body), [415, 'UNSUPPORTED_MEDIA_TYPE'], {})
    const nothing = await fixture.send('POST', '/write', undefined, {})
    assert.deepEqual([nothing.status, nothing.body.error.code], [415, 'UNSUPPORTED_MEDIA_TYPE'])
    const answer = await fixture.send('POST', '/write', body, { 'content-type': 'application/json; charset=utf-8' })
    assert.equal(answer.status, 200)
  })

  test('a body over the limit: 413 BODY_TOO_LARGE', async () => {
    const fixture = await createFixture()
    await refuses(fixture, '/write', Buffer.alloc(MAX_HTTP_BODY_SIZE + 1, 0x20), [413, 'BODY_TOO_LARGE'])
  })

  test('members named twice or __proto__: refused or the last one, never in a prototype', async () => {
    const fixture = await createFixture()
    await refuses(fixture, '/read', '{"key":"a","__proto__":{"polluted":true}}', [400, 'INVALID_REQUEST'])
    await refuses(fixture, '/read', '{"key":"a","\\u005f_proto__":{"polluted":true}}', [400, 'INVALID_REQUEST'])
    await refuses(fixture, '/write', '{"command":{"constructor":{"prototype":{"polluted":true}}}}', [400, 'INVALID_REQUEST'])
    assert.equal(({} as { polluted?: boolean }).polluted, undefined)
    await fixture.post('/write', set('b', 'found'))
    const twice = await fixture.send('POST', '/read', '{"key":"a","key":"b"}', JSON_HEADERS)
    assert.equal(twice.text, '{"value":"found"}')
    await fixture.post('/write', set('__proto__', 'a key like any other'))
    assert.equal((await fixture.post('/read', { key: '__proto__' })).body.value, 'a key like any other')
  })
})

describe('keys and values', () => {
  test('an empty key: 400 INVALID_KEY', async () => {
    const fixture = await createFixture()
    await refuses(fixture, '/write', set('', 'v'), [400, 'INVALID_KEY'])
    await refuses(fixture, '/read', { key: '' }, [400, 'INVALID_KEY'])
    await refuses(fixture, '/write', { command: { DeleteMulti: { keys: ['a', ''] } } }, [400, 'INVALID_KEY'])
  })

  test('a key of more than 1 KiB of UTF-8: 413 KEY_TOO_LARGE, at the limit accepted', async () => {
    const fixture = await createFixture()
    await refuses(fixture, '/write', set('ü'.repeat(MAX_KEY_SIZE / 2) + 'x', 'v'), [413, 'KEY_TOO_LARGE'])
    await refuses(fixture, '/read', { key: 'k'.repeat(MAX_KEY_SIZE + 1) }, [413, 'KEY_TOO_LARGE'])
    assert.equal((await fixture.post('/write', set('ü'.repeat(MAX_KEY_SIZE / 2), 'v'))).status, 200)
  })

  test('a value of more than 1 MiB of UTF-8: 413 VALUE_TOO_LARGE, at the limit accepted', async () => {
    const fixture = await createFixture()
    await refuses(fixture, '/write', set('k', 'ü'.repeat(MAX_VALUE_SIZE / 2) + 'x'), [413, 'VALUE_TOO_LARGE'])
    assert.equal((await fixture.post('/write', set('k', 'ü'.repeat(MAX_VALUE_SIZE / 2)))).status, 200)
  })

  test('a batch of 101, or of none: 413 BATCH_TOO_LARGE, 400 INVALID_REQUEST', async () => {
    const fixture = await createFixture()
    const keys = Array.from({ length: MAX_SETMULTI_KEYS + 1 }, (_, i) => `k${i}`)
    const pairs = keys.map((key) => [key, 'v'])
    await refuses(fixture, '/write', { command: { DeleteMulti: { keys } } }, [413, 'BATCH_TOO_LARGE'])
    await refuses(fixture, '/write', { command: { SetMulti: { pairs } } }, [413, 'BATCH_TOO_LARGE'])
    const then = keys.map((key) => ({ Delete: { key } }))
    await refuses(fixture, '/write', { command: { Txn: { compare: [], then } } }, [413, 'BATCH_TOO_LARGE'])
    await refuses(fixture, '/write', { command: { SetMulti: { pairs: [] } } }, [400, 'INVALID_REQUEST'])
    assert.equal((await fixture.post('/write', { command: { SetMulti: { pairs: pairs.slice(1) } } })).status, 200)
  })

  test('an encoded command over 8 MiB: 413 COMMAND_TOO_LARGE', async () => {
    const fixture = await createFixture()
    const count = MAX_COMMAND_SIZE / MAX_VALUE_SIZE + 1
    const pairs = Array.from({ length: count }, (_, i) => [`k${i}`, 'v'.repeat(MAX_VALUE_SIZE)])
    await refuses(fixture, '/write', { command: { SetMulti: { pairs } } }, [413, 'COMMAND_TOO_LARGE'])
  })

  test('lone surrogates: 400 INVALID_REQUEST', async () => {
    const fixture = await createFixture()
    await refuses(fixture, '/write', '{"command":{"Set":{"key":"\\ud800","value":"v"}}}', [400, 'INVALID_REQUEST'])
    await refuses(fixture, '/write', '{"command":{"Set":{"key":"k","value":"\\udc00"}}}', [400, 'INVALID_REQUEST'])
    await refuses(fixture, '/read', '{"key":"\\ud800"}', [400, 'INVALID_REQUEST'])
  })

  test('text that is not base64 where base64 is announced: 400 INVALID_REQUEST', async () => {
    const fixture = await createFixture()
    for (const value of ['*', 'YQ', 'YQ=', 'YR==', 'Y Q==', 'YQ==\n', '_w==']) {
      await refuses(fixture, '/write', { ...set('k', value), values: 'base64' }, [400, 'INVALID_REQUEST'])
    }
  })

  test('half of client_id and sequence, or wrong ones: 400 INVALID_REQUEST', async () => {
    const fixture = await createFixture()
    const origins = [
      { client_id: 'c' },
      { sequence: 1 },
      { client_id: '', sequence: 1 },
      { client_id: 'c'.repeat(65), sequence: 1 },
    ]
    for (const origin of [
      ...origins,
      { client_id: 'ü'.repeat(40), sequence: 1 },
      { client_id: 'c', sequence: -1 },
      { client_id: 'c', sequence: 1.5 },
    ]) {
      await refuses(fixture, '/write', { ...set('k', 'v'), ...origin }, [400, 'INVALID_REQUEST'])
    }
  })

  test('limits and timeouts out of range: 400 INVALID_REQUEST', async () => {
    const fixture = await createFixture()
    for (const limit of [0, -1, 1001, 1.5, '10']) await refuses(fixture, '/scan', { limit }, [400, 'INVALID_REQUEST'])
    for (const timeout of [0, -1, 60_001, 1.5, '10']) {
      await refuses(fixture, '/read', { key: 'k', timeout_ms: timeout }, [400, 'INVALID_REQUEST'])
    }
    await refuses(fixture, '/scan', { prefix: 'a', start: 'a' }, [400, 'INVALID_REQUEST'])
  })
})

describe('membership', () => {
  test('node ids that are none: 400 INVALID_REQUEST', async () => {
    const fixture = await createFixture({})
    for (const id of [0, -1, 1.5, 2 ** 53, '1', null, true]) {
      await refuses(fixture, '/init', { members: [id] }, [400, 'INVALID_REQUEST'])
      await refuses(fixture, '/add-learner', { node_id: id }, [400, 'INVALID_REQUEST'])
    }
  })

  test('init of nobody, of a node twice, without itself, of too many: 400 INVALID_REQUEST', async () => {
    const fixture = await createFixture({})
    const tooMany = Array.from({ length: MAX_VOTERS + 1 }, (_, i) => i + 1)
    for (const members of [[], [1, 1], [2], tooMany]) await refuses(fixture, '/init', { members }, [400, 'INVALID_REQUEST'])
    await refuses(fixture, '/init', { members: [1, 2] }, [404, 'NODE_UNKNOWN'])
  })

  test('a second init: 409 ALREADY_INITIALIZED', async () => {
    const fixture = await createFixture()
    await refuses(fixture, '/init', { members: [1] }, [409, 'ALREADY_INITIALIZED'])
  })

  test('change-membership to nobody, to too many, to strangers: 400 or 404', async () => {
    const fixture = await createFixture()
    const tooMany = Array.from({ length: MAX_VOTERS + 1 }, (_, i) => i + 1)
    for (const members of [[], [1, 1], tooMany])
      await refuses(fixture, '/change-membership', { members }, [400, 'INVALID_REQUEST'])
    await refuses(fixture, '/change-membership', { members: [1], learners: [1] }, [400, 'INVALID_REQUEST'])
    await refuses(fixture, '/change-membership', { members: [1, 9] }, [404, 'NODE_UNKNOWN'])
    await refuses(fixture, '/add-learner', { node_id: 9 }, [404, 'NODE_UNKNOWN'])
  })

  test('a learner that two peers claim to be: 409 NODE_AMBIGUOUS naming both, the endpoint id chooses', async () => {
    const fixture = await createFixture()
    const [a, b] = ['a'.repeat(64), 'b'.repeat(64)]
    for (const endpoint of [a, b])
      await fixture.post('/add-peer', { node_id: 2, endpoint_id: endpoint, addresses: ['127.0.0.1:1'] })
    await refuses(fixture, '/add-learner', { node_id: 2 }, [409, 'NODE_AMBIGUOUS'])
    const { body } = await fixture.post('/add-learner', { node_id: 2 })
    assert.deepEqual(body.error.details, { endpoint_ids: [a, b] })
    const chosen = await fixture.post('/add-learner', { node_id: 2, endpoint_id: b })
    assert.equal(chosen.body.nodes[1].endpoint_id, b)
  })

  test('a peer that is none: 400 INVALID_REQUEST', async () => {
    const fixture = await createFixture()
    const peer = { node_id: 2, endpoint_id: 'a'.repeat(64), addresses: ['127.0.0.1:1'] }
    const bad = [
      { endpoint_id: 'a'.repeat(63) },
      { endpoint_id: 'A'.repeat(64) },
      { addresses: 'x' },
      { addresses: [''] },
      { relay: 1 },
      { node_id: 0 },
    ]
    for (const part of bad) await refuses(fixture, '/add-peer', { ...peer, ...part }, [400, 'INVALID_REQUEST'])
  })
})

describe('routes and methods', () => {
  test('an unknown route: 404 NOT_FOUND', async () => {
    const { get, post } = await createFixture()
    for (const answer of [await get('/'), await get('/nope?x=1'), await post('/write/', {})]) {
      assert.deepEqual([answer.status, answer.body.error.code], [404, 'NOT_FOUND'])
    }
  })

  test('a wrong method: 405 METHOD_NOT_ALLOWED with Allow', async () => {
    const { get, post, send } = await createFixture()
    const write = await get('/write')
    assert.deepEqual([write.status, write.body.error.code, write.headers['allow']], [405, 'METHOD_NOT_ALLOWED', 'POST'])
    const health = await post('/health', {})
    assert.deepEqual([health.status, health.headers['allow']], [405, 'GET, HEAD'])
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      assert.equal((await send(method, '/write', undefined, {})).status, 405, method)
    }
  })

  test('a path that cannot be decoded: 400 INVALID_REQUEST', async () => {
    const { get } = await createFixture()
    const { status, body } = await get('/%ff%fe')
    assert.deepEqual([status, body.error.code], [400, 'INVALID_REQUEST'])
  })
})

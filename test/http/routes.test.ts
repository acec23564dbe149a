import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import type { NodeStatus } from '../../src/api/index.ts'
import { createFixture } from './fixture.ts'

const PEER_2 = 'a'.repeat(64)
const PEER_3 = 'b'.repeat(64)

function addPeer(nodeId: number, endpointId: string): object {
  return { node_id: nodeId, endpoint_id: endpointId, addresses: [`127.0.0.1:2600${nodeId}`], relay: null }
}

describe('the quick start', () => {
  test('init, write and read: answer to the letter', async () => {
    const { post } = await createFixture({})
    const init = await post('/init', { members: [1] })
    assert.equal(init.status, 200)
    assert.deepEqual(init.body.members, [1])
    const write = await post('/write', { command: { Set: { key: 'hello', value: 'world' } } })
    assert.equal(write.text, '{"success":true,"log_id":{"term":1,"index":2}}')
    const read = await post('/read', { key: 'hello' })
    assert.equal(read.text, '{"value":"world"}')
  })

  test('three nodes: learners are added and promoted one after the other', async () => {
    const { post } = await createFixture({})
    assert.deepEqual((await post('/add-peer', addPeer(2, PEER_2))).body, { success: true })
    assert.deepEqual((await post('/add-peer', addPeer(3, PEER_3))).body, { success: true })
    await post('/init', { members: [1] })
    const second = await post('/add-learner', { node_id: 2 })
    assert.deepEqual(second.body, {
      members: [1],
      learners: [2],
      index: 2,
      nodes: [
        { id: 1, endpoint_id: '1'.padStart(64, '0'), addresses: ['127.0.0.1:26000'] },
        { id: 2, endpoint_id: PEER_2, addresses: ['127.0.0.1:26002'] },
      ],
    })
    await post('/add-learner', { node_id: 3, endpoint_id: PEER_3, timeout_ms: 1000 })
    const voters = await post('/change-membership', { members: [1, 2, 3] })
    assert.deepEqual([voters.body.members, voters.body.learners], [[1, 2, 3], []])
    const removed = await post('/change-membership', { members: [1, 2], learners: [3] })
    assert.deepEqual([removed.body.members, removed.body.learners], [[1, 2], [3]])
  })
})

describe('POST /write', () => {
  test('SetMulti, Delete and DeleteMulti: answer with the log id alone', async () => {
    const { post } = await createFixture()
    const commands = [
      { SetMulti: { pairs: [['a', '1'], ['b', '2'], ['c', '3']] } },
      { Delete: { key: 'a' } },
      { DeleteMulti: { keys: ['b', 'missing'] } },
    ] // prettier-ignore
    for (const [i, command] of commands.entries()) {
      const { text } = await post('/write', { command })
      assert.equal(text, `{"success":true,"log_id":{"term":1,"index":${i + 2}}}`)
    }
    assert.deepEqual(
      (await post('/scan', {})).body.entries.map((entry: { key: string }) => entry.key),
      ['c'],
    )
  })

  test('Txn: answers which branch ran and what each operation found', async () => {
    const { post } = await createFixture()
    const command = {
      Txn: {
        compare: [{ key: 'lock', absent: true }],
        then: [{ Set: { key: 'lock', value: 'me' } }, { Get: { key: 'lock' } }, { Delete: { key: 'other' } }],
        else: [{ Get: { key: 'lock' } }, { Get: { key: 'other' } }],
      },
    }
    const entry = { key: 'lock', value: 'me', create_revision: 2, mod_revision: 2, version: 1 }
    const first = await post('/write', { command })
    assert.deepEqual(first.body, {
      success: true,
      log_id: { term: 1, index: 2 },
      revision: 2,
      succeeded: true,
      results: [{ Set: {} }, { Get: { entry } }, { Delete: { deleted: false } }],
    })
    const second = await post('/write', { command })
    assert.deepEqual([second.body.succeeded, second.body.results], [false, [{ Get: { entry } }, { Get: { entry: null } }]])
  })

  test('Txn: compares value and mod_revision, 0 for an absent key', async () => {
    const { post } = await createFixture()
    await post('/write', { command: { Set: { key: 'k', value: 'v' } } })
    const outcomes: boolean[] = []
    for (const condition of [
      { key: 'k', value: 'v' },
      { key: 'k', value: 'other' },
      { key: 'k', mod_revision: 2 },
      { key: 'k', mod_revision: 1 },
      { key: 'none', mod_revision: 0 },
      { key: 'none', absent: false },
    ]) {
      outcomes.push((await post('/write', { command: { Txn: { compare: [condition], then: [] } } })).body.succeeded)
    }
    assert.deepEqual(outcomes, [true, false, true, false, true, false])
  })

  test('client_id and sequence: answer a repeated write with the same log id', async () => {
    const { post } = await createFixture()
    const body = { command: { Set: { key: 'k', value: '1' } }, client_id: 'c', sequence: 7 }
    const first = await post('/write', body)
    await post('/write', { command: { Set: { key: 'k', value: '2' } } })
    assert.equal((await post('/write', body)).text, first.text)
    assert.equal((await post('/read', { key: 'k' })).body.value, '2')
  })

  test('base64: values and keys of any bytes go in and out', async () => {
    const { post } = await createFixture()
    const key = Buffer.from([0xff, 0x00]).toString('base64')
    const value = Buffer.from([0x80, 0x81]).toString('base64')
    await post('/write', { command: { Set: { key, value } }, keys: 'base64', values: 'base64' })
    assert.deepEqual((await post('/read', { key, keys: 'base64', values: 'base64' })).body, { value })
    const scan = await post('/scan', { keys: 'base64', values: 'base64' })
    assert.deepEqual([scan.body.entries[0].key, scan.body.entries[0].value], [key, value])
    // Asked for as text, they come as base64 even so, and say it.
    assert.deepEqual((await post('/read', { key, keys: 'base64' })).body, { value, encoding: 'base64' })
    const [entry] = (await post('/scan', {})).body.entries
    assert.deepEqual([entry.key, entry.key_encoding, entry.value, entry.encoding], [key, 'base64', value, 'base64'])
  })
})

describe('POST /read', () => {
  test('metadata: adds the revisions', async () => {
    const { post } = await createFixture()
    await post('/write', { command: { Set: { key: 'k', value: '1' } } })
    await post('/write', { command: { Set: { key: 'k', value: '2' } } })
    const { body } = await post('/read', { key: 'k', metadata: true, timeout_ms: 100 })
    assert.deepEqual(body, { value: '2', create_revision: 2, mod_revision: 3, version: 2 })
  })

  test('a missing key: 404 KEY_NOT_FOUND', async () => {
    const { post } = await createFixture()
    const { status, body } = await post('/read', { key: 'nothing' })
    assert.deepEqual([status, body.error.code, body.error.retryable], [404, 'KEY_NOT_FOUND', false])
  })

  test('text of every kind: arrives as it was sent', async () => {
    const { post } = await createFixture()
    for (const value of ['', '"\\\u0000\u001f', 'grüße 😀 \u2028', '"__proto__":{}', 'x'.repeat(100_000)]) {
      await post('/write', { command: { Set: { key: 'k', value } } })
      assert.equal((await post('/read', { key: 'k' })).body.value, value)
    }
  })
})

describe('POST /scan', () => {
  test('pages: reach the last key, in byte order', async () => {
    const { post } = await createFixture()
    const keys = Array.from({ length: 25 }, (_, i) => `user/${String(i).padStart(2, '0')}`)
    await post('/write', { command: { SetMulti: { pairs: [...keys, 'z'].map((key) => [key, key]) } } })
    const found: string[] = []
    let token: string | null = null
    let pages = 0
    do {
      const { body } = await post('/scan', { prefix: 'user/', limit: 10, token })
      found.push(...body.entries.map((entry: { key: string }) => entry.key))
      token = body.token
      pages++
    } while (token !== null)
    assert.deepEqual([pages, found], [3, keys])
  })

  test('start and end: bound the keys, the end exclusively', async () => {
    const { post } = await createFixture()
    await post('/write', { command: { SetMulti: { pairs: ['a', 'b', 'c', 'd'].map((key) => [key, '']) } } })
    const { body } = await post('/scan', { start: 'b', end: 'd' })
    assert.deepEqual(
      body.entries.map((entry: { key: string }) => entry.key),
      ['b', 'c'],
    )
    assert.equal(body.token, null)
  })

  test('a token of another range or of nobody: 400 INVALID_TOKEN', async () => {
    const { post } = await createFixture()
    await post('/write', { command: { SetMulti: { pairs: [['a1', ''], ['a2', '']] } } }) // prettier-ignore
    const { body } = await post('/scan', { prefix: 'a', limit: 1 })
    for (const request of [{ prefix: 'b', token: body.token }, { prefix: 'a', token: 'nonsense' }, { token: `${body.token}=` }]) {
      const refused = await post('/scan', request)
      assert.deepEqual([refused.status, refused.body.error.code], [400, 'INVALID_TOKEN'], JSON.stringify(request))
    }
    for (const token of [null, '']) assert.equal((await post('/scan', { prefix: 'a', token })).body.entries.length, 2)
  })
})

describe('the routes that describe a node', () => {
  test('GET /leader: names the leader or null', async () => {
    const { get, cluster } = await createFixture()
    assert.equal((await get('/leader')).text, '{"leader":1}')
    cluster.setLeader(null)
    assert.equal((await get('/leader')).text, '{"leader":null}')
  })

  test('GET /health: 200 and not ready while there is no leader', async () => {
    const { get, cluster } = await createFixture()
    const healthy = await get('/health')
    assert.deepEqual([healthy.status, healthy.body.status, healthy.body.ready, healthy.body.node_id], [200, 'healthy', true, 1])
    assert.deepEqual(healthy.body.supervision.mailbox, { depth: 0, capacity: 1000, refused: 0 })
    cluster.setLeader(null)
    const waiting = await get('/health')
    assert.deepEqual([waiting.status, waiting.body.leader, waiting.body.ready], [200, null, false])
  })

  test('GET /ready: 200 where requests are likely to succeed, else 503 with the reason', async () => {
    const { get, cluster, server } = await createFixture()
    assert.deepEqual((await get('/ready')).body, { ready: true, reason: null, node_id: 1, leader: 1 })
    const status = cluster.status.bind(cluster)
    const reasons: readonly (readonly [Partial<NodeStatus>, RegExp])[] = [
      [{ leader: null }, /no leader/],
      [{ initialized: false }, /no cluster/],
      [{ cluster: { members: [2], learners: [], index: 0, nodes: [] } }, /no member of the cluster, as far as it knows/],
      [{ knownCommitIndex: 5_000, commitIndex: 20, appliedIndex: 20 }, /4980 entries behind/],
      [{ poisoned: 'a sync failed' }, /no progress/],
      [{ checks: [{ name: 'raft_actor', ok: false, detail: '' }] }, /no progress/],
    ]
    for (const [change, reason] of reasons) {
      cluster.status = () => ({ ...status(), ...change })
      const ready = await get('/ready')
      assert.deepEqual([ready.status, ready.body.ready], [503, false])
      assert.match(ready.body.reason, reason)
      assert.equal((await get('/health')).body.ready, false)
    }
    cluster.status = () => ({ ...status(), knownCommitIndex: 500, appliedIndex: 1 })
    assert.equal((await get('/ready')).status, 200, 'nobody is always at the end')
    await server.close(0)
  })

  test('GET /health: without the token, or by a foreign name, says no more than a probe needs', async () => {
    const { get, cluster } = await createFixture({ initialized: true }, { token: 'secret' })
    const detail = 'the volume of /data/node-1 is 10 % full'
    cluster.setChecks([{ name: 'disk', ok: true, detail }])
    cluster.poison('EIO: /data/node-1/log')
    const authorization = 'Bearer secret'
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization, host: 'rebound.example' }]) {
      const { text, body } = await get('/health', headers)
      assert.ok(!text.includes('/data'), text)
      assert.equal(body.checks.disk.ok, true)
    }
    const told = (await get('/health', { authorization })).body
    assert.deepEqual([told.checks.disk.detail, told.supervision.poisoned], [detail, 'EIO: /data/node-1/log'])
  })

  test('GET /health: degraded by a failing check, unhealthy by a silent actor or poison', async () => {
    const { get, cluster } = await createFixture()
    cluster.setChecks([{ name: 'disk_space', ok: false, detail: '1% free' }])
    const degraded = await get('/health')
    assert.deepEqual([degraded.status, degraded.body.status], [200, 'degraded'])
    cluster.setChecks([{ name: 'raft_actor', ok: false, detail: 'silent for 9 s' }])
    assert.equal((await get('/health')).status, 503)
    cluster.setChecks([])
    cluster.poison('a sync failed')
    const poisoned = await get('/health')
    assert.deepEqual(
      [poisoned.status, poisoned.body.status, poisoned.body.supervision.poisoned],
      [503, 'unhealthy', 'a sync failed'],
    )
  })

  test('GET /node-info and /raft-metrics: say the same of the node', async () => {
    const { get, post } = await createFixture()
    await post('/add-peer', addPeer(2, PEER_2))
    const info = await get('/node-info')
    const raft = await get('/raft-metrics')
    assert.deepEqual([info.status, raft.status], [200, 200])
    assert.equal(info.body.endpoint_id, raft.body.endpoint_id)
    assert.equal(info.body.peers[0].endpoint_id, PEER_2)
    assert.deepEqual([raft.body.role, raft.body.commit_index, raft.body.cluster.members], ['leader', 1, [1]])
  })

  test('GET /metrics: shows the gauges of the status and the requests so far', async () => {
    const { get, post } = await createFixture()
    await post('/read', { key: 'k' })
    const { status, text, headers } = await get('/metrics')
    assert.equal(status, 200)
    assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/)
    assert.match(text, /^aspen_is_leader 1$/m)
    assert.match(text, /^aspen_http_requests_total\{route="\/read",status="404"\} 1$/m)
    assert.match(text, /^aspen_http_request_duration_seconds_count\{route="\/read"\} 1$/m)
  })

  test('GET /cluster-ticket: 501 NOT_IMPLEMENTED', async () => {
    const { get } = await createFixture()
    const { status, body } = await get('/cluster-ticket')
    assert.deepEqual([status, body.error.code], [501, 'NOT_IMPLEMENTED'])
  })

  test('POST /trigger-snapshot: answers with the snapshot, with and without a body', async () => {
    const { post, send } = await createFixture()
    await post('/write', { command: { Set: { key: 'k', value: 'v' } } })
    const answer = { success: true, snapshot: { id: 'snapshot-1-2', log_id: { term: 1, index: 2 }, size_bytes: 2 } }
    assert.deepEqual((await post('/trigger-snapshot', { timeout_ms: 1000 })).body, answer)
    assert.deepEqual((await send('POST', '/trigger-snapshot', undefined, {})).body, answer)
    assert.deepEqual((await send('POST', '/trigger-snapshot', '', { 'content-type': 'application/json' })).body, answer)
  })

  test('POST /raise-version: answers with a version that the cluster has, and refuses one that it cannot have', async () => {
    const { post } = await createFixture()
    assert.deepEqual((await post('/raise-version', { version: 1, timeout_ms: 1000 })).body, { success: true, version: 1 })
    const { status, body } = await post('/raise-version', { version: 2 })
    assert.deepEqual([status, body.error.code, body.error.details.needs], [501, 'CLUSTER_VERSION', 2])
    for (const version of [0, 256, 1.5, '2', null]) assert.equal((await post('/raise-version', { version })).status, 400)
  })

  test('HEAD: is answered where GET is', async () => {
    const { send } = await createFixture()
    const { status, text } = await send('HEAD', '/health', undefined, {})
    assert.deepEqual([status, text], [200, ''])
  })
})

describe('errors of the store', () => {
  test('before init: reads, writes and scans are 412 NOT_INITIALIZED', async () => {
    const { post } = await createFixture({})
    for (const [path, body] of [
      ['/write', { command: { Delete: { key: 'k' } } }],
      ['/read', { key: 'k' }],
      ['/scan', {}],
      ['/trigger-snapshot', {}],
      ['/add-learner', { node_id: 2 }],
    ] as const) {
      const { status, body: answer } = await post(path, body)
      assert.deepEqual([status, answer.error.code], [412, 'NOT_INITIALIZED'], path)
    }
  })

  test('no leader: 503 NO_LEADER with what is known', async () => {
    const { post, cluster } = await createFixture()
    cluster.setLeader(null)
    const { status, body } = await post('/write', { command: { Delete: { key: 'k' } } })
    assert.deepEqual(
      [status, body.error.code, body.error.retryable, body.error.details],
      [503, 'NO_LEADER', true, { leader: null, term: 1 }],
    )
  })

  test('every code a write can meet: keeps its status, and 429 says when to come back', async () => {
    const { post, cluster } = await createFixture()
    const codes = {
      OVERLOADED: 429,
      NOT_APPLIED: 503,
      NOT_LEADER: 503,
      POISONED: 503,
      OUTCOME_UNKNOWN: 504,
      DEADLINE_EXCEEDED: 504,
      QUOTA_EXCEEDED: 507,
      DISK_FULL: 507,
    } as const
    for (const [code, expected] of Object.entries(codes)) {
      cluster.refuseWith(new AspenError(code as keyof typeof codes, 'because', { queue: 'mailbox' }))
      const { status, body, headers } = await post('/write', { command: { Delete: { key: 'k' } } })
      assert.deepEqual([status, body.error.code, body.error.details], [expected, code, { queue: 'mailbox' }])
      assert.equal(headers['retry-after'], code === 'OVERLOADED' ? '1' : undefined)
    }
  })

  test('an unexpected exception: 500 INTERNAL without its text, logged with it', async () => {
    const { cluster, post, logged } = await createFixture()
    cluster.read = () => Promise.reject(new Error('secret stack'))
    cluster.write = () => {
      throw new Error('secret stack')
    }
    for (const answer of [await post('/read', { key: 'k' }), await post('/write', { command: { Delete: { key: 'k' } } })]) {
      assert.deepEqual([answer.status, answer.body.error.code], [500, 'INTERNAL'])
      assert.doesNotMatch(answer.text, /secret|\.ts/)
    }
    assert.deepEqual(
      logged.map(({ level, facts }) => [level, (facts?.['error'] as Error | undefined)?.message, facts?.['url']]),
      [
        ['error', 'secret stack', '/read'],
        ['error', 'secret stack', '/write'],
      ],
    )
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import { createHttpServer, PrometheusMetrics } from '../../src/faces/http/index.ts'
import { silentLogger } from '../../src/ports/index.ts'
import { InMemoryCluster } from '../../src/testing/index.ts'
import { createFixture } from './fixture.ts'

describe('the Host header', () => {
  test('loopback names and addresses, with any port: are served', async () => {
    const { get } = await createFixture()
    for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1', '127.9.9.9:1', '[::1]:8080']) {
      assert.equal((await get('/leader', { host })).status, 200, host)
    }
  })

  test('any other name: 403 FORBIDDEN, also for unknown routes, and served for probes', async () => {
    const { get } = await createFixture()
    const hosts = [
      'evil.example',
      'evil.example:8080',
      '10.0.0.1',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '[::1',
      'a b',
      '127.0.0.1@evil',
    ]
    for (const host of hosts) {
      for (const path of ['/health', '/ready']) assert.equal((await get(path, { host })).status, 200, `${host} ${path}`)
      for (const path of ['/leader', '/nope']) {
        const { status, body } = await get(path, { host })
        assert.deepEqual([status, body.error.code], [403, 'FORBIDDEN'], `${host} ${path}`)
      }
    }
  })

  test('the bound address and configured names: are served', async () => {
    const { get } = await createFixture({}, { host: '10.1.2.3', insecure: true, allowedHosts: ['Node1.Example'] })
    assert.equal((await get('/leader', { host: '10.1.2.3:80' })).status, 200)
    assert.equal((await get('/leader', { host: 'node1.example:80' })).status, 200)
    assert.equal((await get('/leader', { host: 'node2.example:80' })).status, 403)
    const six = await createFixture({}, { host: '2001:db8::1', insecure: true })
    for (const host of ['[2001:db8::1]', '[2001:DB8:0:0::1]:80']) assert.equal((await six.get('/leader', { host })).status, 200)
    const open = await createFixture({}, { allowedHosts: ['*'] })
    assert.equal((await open.get('/leader', { host: 'anything.example' })).status, 200)
  })
})

describe('the Origin header', () => {
  test('of another site: 403 FORBIDDEN and nothing done', async () => {
    const { post, cluster } = await createFixture()
    for (const origin of [
      'http://evil.example',
      'https://evil.example',
      'https://127.0.0.1',
      'ftp://127.0.0.1:8080',
      'x',
      'http://127.0.0.1:9999',
      'null',
      '',
    ]) {
      const { status, body } = await post('/write', { command: { Set: { key: 'k', value: 'v' } } }, { origin })
      assert.deepEqual([status, body.error.code], [403, 'FORBIDDEN'], origin)
    }
    assert.equal(cluster.status().keys, 0)
  })

  test('of the node itself: is served', async () => {
    const { post } = await createFixture()
    const answer = await post('/write', { command: { Set: { key: 'k', value: 'v' } } }, { origin: 'http://127.0.0.1:8080' })
    assert.equal(answer.status, 200)
  })

  test('of the node itself in another spelling, or behind TLS: is served', async () => {
    const { get } = await createFixture({}, { host: '::1', allowedHosts: ['Node.Example'] })
    const own: readonly (readonly [host: string, origin: string])[] = [
      ['127.0.0.1:8080', 'https://127.0.0.1:8080'],
      ['localhost', 'http://localhost'],
      ['localhost:80', 'http://localhost'],
      ['localhost', 'https://localhost'],
      ['[0:0::1]:8080', 'http://[::1]:8080'],
      ['LOCALHOST:8080', 'http://localhost:8080'],
      ['node.example', 'https://node.example'],
      // TLS ends before the node, which is asked on its own port, by whatever name.
      ['127.0.0.1:8080', 'https://node.example'],
      ['node.example:8080', 'https://node.example'],
    ]
    for (const [host, origin] of own) assert.equal((await get('/leader', { host, origin })).status, 200, `${host} ${origin}`)
    const others = ['http://node.example:8080', 'http://127.0.0.1:8081', 'https://other.example', 'http://[::2]:8080']
    for (const origin of others) assert.equal((await get('/leader', { host: '127.0.0.1:8080', origin })).status, 403, origin)
  })
})

describe('the token', () => {
  test('missing or wrong: 401 UNAUTHORIZED everywhere but /health and /ready', async () => {
    const { get, post, cluster, openapi } = await createFixture({ initialized: true }, { token: 'open sesame' })
    for (const authorization of ['', 'Bearer', 'Bearer open', 'Bearer open sesame2', 'Basic open sesame', 'open sesame']) {
      const { status, body, headers } = await post('/write', { command: { Set: { key: 'k', value: 'v' } } }, { authorization })
      assert.deepEqual([status, body.error.code, headers['www-authenticate']], [401, 'UNAUTHORIZED', 'Bearer'], authorization)
    }
    for (const path of Object.keys(openapi.paths)) {
      if (openapi.paths[path]?.['get'] === undefined) continue
      assert.equal((await get(path)).status, ['/health', '/ready'].includes(path) ? 200 : 401, path)
    }
    assert.equal((await get('/nope')).status, 401)
    assert.equal(cluster.status().keys, 0)
  })

  test('right: is served', async () => {
    const { get, post } = await createFixture({ initialized: true }, { token: 'open sesame' })
    for (const authorization of ['Bearer open sesame', 'bearer open sesame']) {
      assert.equal((await get('/leader', { authorization })).status, 200)
      assert.equal((await post('/read', { key: 'k' }, { authorization })).status, 404)
    }
  })

  test('an address others can reach: needs a token, or to be called insecure', () => {
    const cluster = new InMemoryCluster()
    const base = { store: cluster, controller: cluster, status: cluster, logger: silentLogger, nodeId: 1, port: 0 }
    const create = (options: object) => () =>
      createHttpServer({ ...base, metrics: new PrometheusMetrics({ processMetrics: false }), host: '0.0.0.0', ...options })
    assert.throws(create({}), (error) => error instanceof AspenError && error.code === 'FORBIDDEN')
    assert.doesNotThrow(create({ token: 't' }))
    assert.doesNotThrow(create({ insecure: true }))
    assert.doesNotThrow(create({ host: '127.0.0.2' }))
  })
})

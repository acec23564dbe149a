import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseDnsName } from './dns-name.ts'

test('parseDnsName: tells hosts, services and zones apart, and whom to ask', () => {
  const parsed = (text: string): unknown[] => {
    const { server, name, kind, port } = parseDnsName(text) ?? assert.fail(text)
    return [server, name, kind, port]
  }
  assert.deepEqual(parsed('aspen:26000'), [null, 'aspen', 'host', 26_000])
  assert.deepEqual(parsed('aspen.default.svc.cluster.local.:1'), [null, 'aspen.default.svc.cluster.local.', 'host', 1])
  assert.deepEqual(parsed('_aspen._tcp.aspen'), [null, '_aspen._tcp.aspen', 'service', null])
  assert.deepEqual(parsed('dns:_aspen._TCP.aspen'), [null, '_aspen._TCP.aspen', 'service', null])
  assert.deepEqual(parsed('dns.example.org'), [null, 'dns.example.org', 'zone', null])
  assert.deepEqual(parsed('_aspen._tcp.example.org?type=TXT'), [null, '_aspen._tcp.example.org', 'zone', null])
  assert.deepEqual(parsed('dns:///aspen.service.consul?type=SRV'), [null, 'aspen.service.consul', 'service', null])
  assert.deepEqual(parsed('dns://127.0.0.1:8600/aspen.service.consul?type=SRV'), [
    '127.0.0.1:8600',
    'aspen.service.consul',
    'service',
    null,
  ])
  assert.deepEqual(parsed('dns://10.0.0.1/aspen:9'), ['10.0.0.1:53', 'aspen', 'host', 9])
  assert.deepEqual(parsed('dns://[fd00::1]/aspen:9'), ['[fd00::1]:53', 'aspen', 'host', 9])
  assert.deepEqual(parsed('dns://[fd00::1]:54/z'), ['[fd00::1]:54', 'z', 'zone', null])
})

test('parseDnsName: refuses what nobody could look up', () => {
  const odd = ['', ' ', '.', 'a..b', '-a', 'a b', 'ä.example', 'a\0', 'a:0', 'a:65536', 'a:', 'a:1?type=SRV', 'a?type=MX', 'a?']
  const addresses = ['10.0.0.1', '10.0.0.1:1', '[::1]:1', '127.1:1', 'https://dns.example.org', 'a/b']
  const servers = [
    'dns://ns.example/a',
    'dns://1.2.3.4:0/a',
    'dns://1.2.3.4:x/a',
    'dns://1.2.3/a',
    'dns://1.2.3.4',
    'dns://',
    'dns:',
  ]
  const long = ['a'.repeat(64), `${'a.'.repeat(126)}ab:1`, `${'a.'.repeat(97)}a`]
  for (const text of [...odd, ...addresses, ...servers, ...long])
    assert.equal(parseDnsName(text), undefined, JSON.stringify(text))
  assert.ok(parseDnsName(`_a._tcp.${'a.'.repeat(97)}a`))
})

test('parseDnsName: takes every form that the documentation has', () => {
  const [, section = ''] =
    /^## DNS$([^]*?)^## /m.exec(readFileSync(new URL('../../../docs/discovery.md', import.meta.url), 'utf8')) ?? []
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  const names = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))
  const kinds = names.map((name) => parseDnsName(name)?.kind)
  assert.deepEqual(kinds, ['host', 'service', 'service', 'zone', 'service'])
  const [, configured = ''] = /^dns_discovery_url = \["(.*)"\]$/m.exec(section) ?? []
  assert.equal(parseDnsName(configured)?.kind, 'service')
})

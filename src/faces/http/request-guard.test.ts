import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalName, isLoopback, parseHost } from './request-guard.ts'

test('parseHost: takes the port and the brackets off, and nothing that is malformed', () => {
  const cases: readonly (readonly [header: string, name: string | undefined, port?: string])[] = [
    ['localhost', 'localhost'],
    ['LocalHost:8080', 'localhost', '8080'],
    ['node.example.:80', 'node.example', '80'],
    ['127.0.0.1:80', '127.0.0.1', '80'],
    ['[::1]:80', '::1', '80'],
    ['[::1]', '::1'],
    ['[0:0:0:0:0:0:0:1]', '::1'],
    ['[FE80::0:1]', 'fe80::1'],
    ['[::ffff:10.0.0.1]:80', '10.0.0.1', '80'],
    ['[::ffff:a00:1]', '10.0.0.1'],
    ['::1', undefined],
    ['[::1', undefined],
    ['[1.2.3.4]', undefined],
    ['[:::]', undefined],
    ['a:b', undefined],
    ['a:80:90', undefined],
    ['user@localhost', undefined],
    ['localhost/path', undefined],
    ['local host', undefined],
    ['', undefined],
    [':80', undefined],
  ]
  for (const [header, name, port = null] of cases) {
    assert.deepEqual(parseHost(header), name === undefined ? undefined : { name, port }, header)
  }
})

test('canonicalName: is one for all spellings of an address', () => {
  const spellings = ['2001:db8::1', '2001:DB8:0:0::1', '2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::0:1%eth0']
  for (const spelling of spellings) assert.equal(canonicalName(spelling), '2001:db8::1', spelling)
  for (const spelling of ['::ffff:192.0.2.1', '::FFFF:C000:0201', '192.0.2.1']) assert.equal(canonicalName(spelling), '192.0.2.1')
})

test('isLoopback: true for loopback alone', () => {
  for (const host of [
    'localhost',
    '127.0.0.1',
    '127.255.0.3',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    'LOCALHOST',
    'localhost.',
  ])
    assert.equal(isLoopback(host), true, host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', '127.example', 'localhost.example', '']) {
    assert.equal(isLoopback(host), false, host)
  }
})

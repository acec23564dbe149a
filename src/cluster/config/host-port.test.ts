import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatHostPort, isLoopback, parseHostPort } from './host-port.ts'

test('parseHostPort: reads a name, an IPv4 and a bracketed IPv6 address', () => {
  assert.deepEqual(parseHostPort('node-1.example.org:80'), { host: 'node-1.example.org', port: 80 })
  assert.deepEqual(parseHostPort('127.0.0.1:0'), { host: '127.0.0.1', port: 0 })
  assert.deepEqual(parseHostPort('[::1]:65535'), { host: '::1', port: 65_535 })
})

test('parseHostPort: refuses what is not host and port', () => {
  const wrong = [
    '',
    ':80',
    '80',
    'host',
    'host:',
    'host:65536',
    'host:-1',
    'host:8o',
    '::1:80',
    '[::1]',
    '[host]:80',
    'a b:80',
    '1.2.3:80',
  ]
  for (const text of [...wrong, '256.0.0.1:80', 'host:80/', '-a:80', 'host:000080'])
    assert.equal(parseHostPort(text), undefined, text)
})

test('formatHostPort: is read back as the same address', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain())
  fc.assert(
    fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
      assert.deepEqual(parseHostPort(formatHostPort({ host: name, port })), { host: name, port })
    }),
  )
})

test('isLoopback: tells addresses that only this machine reaches', () => {
  for (const host of ['127.0.0.1', '127.9.8.7', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', 'localhost', 'LOCALHOST']) {
    assert.equal(isLoopback(host), true, host)
  }
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'localhost.example.org', 'node-1']) {
    assert.equal(isLoopback(host), false, host)
  }
})

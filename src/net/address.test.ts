import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress, parseAddress, reachableAddresses } from './address.ts'

test('parseAddress: reads names, IPv4 and bracketed IPv6 addresses', () => {
  assert.deepEqual(parseAddress('127.0.0.1:26001'), { host: '127.0.0.1', port: 26_001 })
  assert.deepEqual(parseAddress('[::1]:1'), { host: '::1', port: 1 })
  assert.deepEqual(parseAddress('node-1.example.org:65535'), { host: 'node-1.example.org', port: 65_535 })
  assert.deepEqual(parseAddress('localhost:80'), { host: 'localhost', port: 80 })
})

test('parseAddress: refuses everything else', () => {
  const bad = [
    '',
    ':1',
    'host',
    'host:',
    'host:0',
    'host:65536',
    'host:1x',
    '::1:80',
    '[host]:1',
    '[1.2.3.4]:1',
    '1.2.3:4',
    '256.1.1.1:1',
    'a b:1',
    '-a:1',
    'http://h:1',
    'h:1\n',
  ]
  for (const text of bad) assert.equal(parseAddress(text), undefined, text)
})

test('formatAddress: is read back by parseAddress', () => {
  for (const host of ['10.0.0.1', '::1', 'name']) assert.deepEqual(parseAddress(formatAddress(host, 5)), { host, port: 5 })
})

test('reachableAddresses: is the bound address, or at least one that parses when bound to all', () => {
  assert.deepEqual(reachableAddresses('127.0.0.1', 5), ['127.0.0.1:5'])
  for (const any of ['0.0.0.0', '::']) {
    const found = reachableAddresses(any, 5)
    assert.ok(found.length > 0)
    for (const address of found) assert.ok(parseAddress(address) !== undefined && !address.startsWith(any), address)
  }
})

import assert from 'node:assert/strict'
import { isIPv4 as nodeIsIPv4, isIPv6 as nodeIsIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddress, isEndpointId, isIPv4, isIPv6, parseAddress } from './address.ts'

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

test('isEndpointId: takes 64 lower-case hexadecimal digits and nothing else', () => {
  assert.ok(isEndpointId('0f'.repeat(32)))
  for (const bad of ['', 'ab', 'AB'.repeat(32), `${'ab'.repeat(32)}a`, `${'ab'.repeat(32)}\n`, 'xy'.repeat(32)]) {
    assert.ok(!isEndpointId(bad), JSON.stringify(bad))
  }
})

const IPV4_CASES = ['1.2.3.4', '1.2.3.4.', '1.2.3', '01.2.3.4', '255.255.255.255', '256.1.1.1', '1..2.3', '', '1.2.3.4\n']
const IPV6_CASES = ['::', ':', ':::', '1::', '::1', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:8::', '::1.2.3.4']
const MORE_IPV6_CASES = ['1.2.3.4::', '1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:7:1.2.3.4', 'fe80::1%eth0', 'fe80::1%', 'a%b%c', '::g']

test('isIPv4, isIPv6: say what Node says', () => {
  for (const text of [...IPV4_CASES, ...IPV6_CASES, ...MORE_IPV6_CASES]) {
    assert.equal(isIPv4(text), nodeIsIPv4(text), JSON.stringify(text))
    assert.equal(isIPv6(text), nodeIsIPv6(text), JSON.stringify(text))
  }
  const part = fc.constantFrom(':', '::', '.', '1', 'ff', '10', '256', '1.2.3.4', 'fffff', '%', 'a', '0')
  const text = fc.oneof(
    fc.array(part, { maxLength: 18 }).map((parts) => parts.join('')),
    fc.ipV4(),
    fc.ipV6(),
  )
  fc.assert(
    fc.property(text, (address) => isIPv4(address) === nodeIsIPv4(address) && isIPv6(address) === nodeIsIPv6(address)),
    { numRuns: 2000 },
  )
})

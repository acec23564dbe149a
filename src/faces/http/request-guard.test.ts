import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostName, isLoopback } from './request-guard.ts'

test('hostName: takes the port and the brackets off, and nothing that is malformed', () => {
  const cases: readonly (readonly [header: string, name: string | undefined])[] = [
    ['localhost', 'localhost'],
    ['LocalHost:8080', 'localhost'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[::1]:80', '::1'],
    ['[::1]', '::1'],
    ['::1', undefined],
    ['[::1', undefined],
    ['a:b', undefined],
    ['a:80:90', undefined],
    ['user@localhost', undefined],
    ['localhost/path', undefined],
    ['local host', undefined],
    ['', undefined],
    [':80', undefined],
  ]
  for (const [header, name] of cases) assert.equal(hostName(header), name, header)
})

test('isLoopback: true for loopback alone', () => {
  for (const host of ['localhost', '127.0.0.1', '127.255.0.3', '::1', 'LOCALHOST']) assert.equal(isLoopback(host), true, host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', '127.example', 'localhost.example', '']) {
    assert.equal(isLoopback(host), false, host)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '../cluster/config/index.ts'
import { readRejoinArguments } from './rejoin-arguments.ts'

test('readRejoinArguments: takes its own flags out, in every form, and leaves those of the node in their order', () => {
  const argv = ['--node-id', '3', '--via', 'http://a:1,http://b:2', '--even-if-sound', '--via=https://c:3', '--cookie', 'x']
  assert.deepEqual(readRejoinArguments(argv), {
    via: ['http://a:1', 'http://b:2', 'https://c:3'],
    evenIfSound: true,
    rest: ['--node-id', '3', '--cookie', 'x'],
  })
})

test('readRejoinArguments: says what is missing, and which address is none', () => {
  assert.throws(
    () => readRejoinArguments(['--node-id', '3']),
    /needs the HTTP address of a member that runs: give --via http:\/\/HOST:PORT/,
  )
  for (const wrong of ['127.0.0.1:8081', 'ftp://a', 'node 1']) {
    assert.throws(
      () => readRejoinArguments(['--via', wrong]),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError && error.message.includes(JSON.stringify(wrong)), String(error))
        return true
      },
    )
  }
  assert.throws(() => readRejoinArguments(['--via']), ConfigError)
})

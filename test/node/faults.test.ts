import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AssertionError } from '../../src/lib/index.ts'
import { RecoveryError } from '../../src/replica/index.ts'
import { StoreRefusal } from '../../src/ports/index.ts'
import { DiskError, LogCorruptionError, StateError } from '../../src/storage/index.ts'
import { WireError } from '../../src/wire/index.ts'
import { faultOf, isRestartable } from '../../src/node/index.ts'

const eio = Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO', syscall: 'write' })
const sqlite = Object.assign(new Error('database disk image is malformed'), { code: 'ERR_SQLITE_ERROR', errcode: 11 })

test('faultOf: knows the kind of every error that stores, codecs and assertions end a node with, however it is wrapped', () => {
  const cases: [string, Error][] = [
    ['disk', eio],
    ['disk', new DiskError('writing /data/log/1', eio)],
    ['state', sqlite],
    ['state', new StateError('CORRUPT', 'state', 'damaged')],
    ['state', new StoreRefusal('no')],
    ['state', new LogCorruptionError('1.log', 5, 'a checksum')],
    ['state', new RecoveryError('the log has lost entries')],
    ['state', new WireError('an unknown operation')],
    ['invariant', new AssertionError('two leaders')],
    ['other', new TypeError('undefined is no function')],
  ]
  for (const [kind, error] of cases) {
    assert.equal(faultOf(error).kind, kind, error.message)
    const wrapped = new Error('the turn failed', { cause: new Error('applying failed', { cause: error }) })
    assert.deepEqual(faultOf(wrapped), { kind, error: wrapped })
    assert.equal(isRestartable(faultOf(wrapped)), kind === 'other', error.message)
  }
})

test('faultOf: ends on an error that is its own cause', () => {
  const error = new Error('round and round')
  error.cause = error
  assert.equal(faultOf(error).kind, 'other')
})

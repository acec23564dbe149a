import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AssertionError } from '../../lib/index.ts'
import { StoreRefusal } from '../../ports/index.ts'
import type { ClassifiedError, LogStore } from '../../ports/index.ts'
import { guardLog } from './guarded-stores.ts'

/** What a replica hears when a write of its log ends with `error`. */
function heardOf(error: Error | undefined): (Error & Partial<ClassifiedError>) | undefined {
  let heard: Error | undefined
  const log = { write: (_batches: unknown, done: (error?: Error) => void) => done(error) } as unknown as LogStore
  guardLog(log, { guard: (run) => run() }).write([], (failure) => (heard = failure))
  return heard
}

test('guardLog: whatever a store reports as failed is a fault of the disk, unless it says itself what it is', () => {
  assert.equal(heardOf(undefined), undefined)
  const plain = new Error('EIO: i/o error')
  const heard = heardOf(plain)
  assert.deepEqual([heard?.faultKind, heard?.message, heard?.cause], ['disk', 'EIO: i/o error', plain])
  for (const known of [
    new AssertionError('a hole'),
    new StoreRefusal('not now'),
    Object.assign(new Error('EIO'), { syscall: 'fsync' }),
    Object.assign(new Error('corrupt'), { code: 'ERR_SQLITE_ERROR' }),
    Object.assign(new Error('damaged'), { faultKind: 'state' }),
  ])
    assert.equal(heardOf(known), known)
})

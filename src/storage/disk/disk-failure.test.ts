import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DiskError, guardDisk, isVolumeFull } from './disk-failure.ts'
import { NodeDisk } from './node-disk.ts'

const systemError = (code: string): Error => Object.assign(new Error(`${code}: it went wrong, write`), { code })

test('DiskError: says what failed, what the system said, and what to do about it', () => {
  assert.match(
    new DiskError('writing 5 bytes at 0 of /data/x', systemError('ENOSPC')).message,
    /^writing 5 bytes at 0 of \/data\/x failed: ENOSPC: .*; its volume is full: free space there, then start the node again/,
  )
  assert.match(new DiskError('syncing /data/x', systemError('EIO')).message, /the disk under it fails: look into the kernel log/)
  assert.equal(new DiskError('syncing /data/x', new Error('odd')).message, 'syncing /data/x failed: odd')
})

test('isVolumeFull: looks through the errors that wrap it, and ends on a cycle', () => {
  assert.equal(isVolumeFull(new Error('outer', { cause: new DiskError('writing', systemError('EDQUOT')) })), true)
  assert.equal(isVolumeFull(systemError('EIO')), false)
  const cycle = new Error('again and again')
  cycle.cause = cycle
  assert.equal(isVolumeFull(cycle), false)
  assert.equal(isVolumeFull('ENOSPC'), false)
})

test('guardDisk: wraps once, and gives what it ran', () => {
  const inner = new DiskError('writing a', systemError('EIO'))
  const rethrow = (): never => {
    throw inner
  }
  assert.throws(
    () => guardDisk('writing b', rethrow),
    (caught) => caught === inner,
  )
  assert.equal(
    guardDisk('reading', () => 7),
    7,
  )
})

test('NodeDisk: counts space as df does', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aspen-space-'))
  try {
    const { freeBytes, totalBytes } = new NodeDisk(folder).space()
    assert.ok(freeBytes > 0 && freeBytes <= totalBytes, `${freeBytes} of ${totalBytes}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** A disk that reports errors: the log reports the first one, and from then on nothing else. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Prng } from '../../src/lib/index.ts'
import type { LogStore } from '../../src/ports/index.ts'
import { MemoryDisk } from '../../src/storage/index.ts'
import { openSegmentedLog } from '../../src/storage/log/index.ts'
import { CrashingDisk } from './disk-crashing.ts'
import { complete } from './disk.ts'
import { close, entries, purge, read, reset, write } from './log-store.ts'

const SEGMENT_SIZE = 4096

function makeLog(): { disk: CrashingDisk; log: LogStore; operations: string[]; fail(operation: string): void } {
  const disk = new CrashingDisk(new Prng(7), setImmediate)
  const operations: string[] = []
  const failing = new Set<string>()
  disk.failOn((operation) => {
    operations.push(operation)
    return failing.has(operation) ? new Error(`EIO: ${operation}`) : undefined
  })
  const log = openSegmentedLog(disk, { storeId: 's', segmentSize: SEGMENT_SIZE })
  return { disk, log, operations, fail: (operation) => failing.add(operation) }
}

/** Every later call reports the same error, and none reaches the disk; a preallocation under way may come to its end. */
async function assertPoisoned(log: LogStore, operations: string[], error: RegExp): Promise<void> {
  const before = operations.length
  await assert.rejects(write(log, { entries: [] }), error)
  await assert.rejects(purge(log, 0), error)
  await assert.rejects(reset(log, { term: 0, index: 0 }, { term: 0, votedFor: null }, 'c'), error)
  await assert.rejects(read(log, 1, 1), error)
  await assert.rejects(close(log), error)
  const ofPreallocation = ['write', 'sync']
  assert.deepEqual(
    operations.slice(before).filter((operation) => !ofPreallocation.includes(operation)),
    [],
  )
}

test('write: poisons the log when the durable write fails', async () => {
  const { log, operations, fail } = makeLog()
  await write(log, { entries: entries(1, 2) })
  fail('writeDurably')
  await assert.rejects(write(log, { entries: entries(3, 4) }), /EIO: writeDurably/)
  await assertPoisoned(log, operations, /EIO: writeDurably/)
})

test('write: poisons the log when the name of the next segment cannot be made durable', async () => {
  const { log, operations, fail } = makeLog()
  fail('syncDirectory')
  await write(log, { entries: entries(1, 30, 1, 100).slice(0, 20) })
  await assert.rejects(write(log, { entries: entries(21, 40, 1, 100) }), /EIO: syncDirectory/)
  await assertPoisoned(log, operations, /EIO: syncDirectory/)
})

for (const operation of ['write', 'sync']) {
  test(`write: goes on in the segment there is when the next cannot be preallocated (${operation}), and fails when it needs it`, async () => {
    const { log, operations, fail } = makeLog()
    fail(operation)
    await write(log, { entries: entries(1, 20, 1, 100) })
    await write(log, { entries: entries(21, 22, 1, 100) })
    await assert.rejects(write(log, { entries: entries(23, 42, 1, 100) }), new RegExp(`EIO: ${operation}`))
    await assertPoisoned(log, operations, new RegExp(`EIO: ${operation}`))
  })
}

test('purge: poisons the log when a removal cannot be made durable', async () => {
  const { log, operations, fail } = makeLog()
  for (let i = 0; i < 10; i++) await write(log, { entries: entries(i * 10 + 1, i * 10 + 10, 1, 100) })
  fail('syncDirectory')
  await assert.rejects(purge(log, 90), /EIO: syncDirectory/)
  await assertPoisoned(log, operations, /EIO: syncDirectory/)
})

test('purge: reports later when the disk throws at once', async () => {
  const { disk, log, operations } = makeLog()
  for (let i = 0; i < 10; i++) await write(log, { entries: entries(i * 10 + 1, i * 10 + 10, 1, 100) })
  disk.interruptSyncStep(1)
  await assert.rejects(purge(log, 90), { name: 'PowerLost' })
  await assertPoisoned(log, operations, /PowerLost/)
})

test('reset: poisons the log when the new segment cannot be written', async () => {
  const { log, operations, fail } = makeLog()
  fail('writeDurably')
  await assert.rejects(reset(log, { term: 1, index: 5 }, { term: 1, votedFor: null }, 'c'), /EIO: writeDurably/)
  await assertPoisoned(log, operations, /EIO: writeDurably/)
})

test('read: poisons the log when it fails', async () => {
  const { log, operations, fail } = makeLog()
  await write(log, { entries: entries(1, 2) })
  fail('read')
  await assert.rejects(read(log, 1, 2), /EIO: read/)
  await assertPoisoned(log, operations, /EIO: read/)
})

test('close: reports when the mark of a clean stop cannot be written', async () => {
  const { log, fail } = makeLog()
  await write(log, { entries: entries(1, 2) })
  fail('writeDurably')
  await assert.rejects(close(log), /EIO: writeDurably/)
})

test('close: waits for the preallocation under way', async () => {
  const { disk, log, operations } = makeLog()
  await write(log, { entries: entries(1, 20, 1, 100) })
  await close(log)
  const count = operations.length
  await new Promise((resolve) => disk.syncDirectory(resolve))
  assert.deepEqual(operations.slice(count), ['syncDirectory'])
})

describe('write: on a full volume', () => {
  const capacityBytes = 3 * SEGMENT_SIZE

  test('does not take the last space for a segment to come, and takes it once there is more', async () => {
    const disk = new MemoryDisk(setImmediate, { capacityBytes })
    const log = openSegmentedLog(disk, { storeId: 's', segmentSize: SEGMENT_SIZE })
    const filler = disk.open('filler')
    filler.writeDurablySync(0, new Uint8Array(capacityBytes - SEGMENT_SIZE - 1000))
    await write(log, { entries: entries(1, 20, 1, 100) })
    assert.deepEqual([disk.list(), disk.space().freeBytes], [['filler', 'log-0000000001.segment'], 1000])
    filler.truncateSync(0)
    await write(log, { entries: entries(21, 22, 1, 100) })
    await write(log, { entries: entries(23, 42, 1, 100) })
    assert.equal((await read(log, 1, 42)).length, 42)
    await close(log)
  })

  test('goes on in a smaller segment while one fits, in whole ones once there is space, and reads it all back', async () => {
    const disk = new MemoryDisk(setImmediate, { capacityBytes: 10 * SEGMENT_SIZE })
    const log = openSegmentedLog(disk, { storeId: 's', segmentSize: SEGMENT_SIZE })
    const filler = disk.open('filler')
    filler.writeDurablySync(0, new Uint8Array(9 * SEGMENT_SIZE - 4000))
    await write(log, { entries: entries(1, 20, 1, 100) })
    for (let first = 21; first <= 36; first += 4) await write(log, { entries: entries(first, first + 3, 1, 100) })
    assert.ok(disk.open('log-0000000002.segment').size() < SEGMENT_SIZE)
    assert.ok(disk.space().freeBytes > 0)
    filler.truncateSync(0)
    for (let first = 37; first <= 108; first += 4) await write(log, { entries: entries(first, first + 3, 1, 100) })
    const sizes = disk
      .list()
      .filter((name) => name.endsWith('.segment'))
      .map((name) => disk.open(name).size())
    assert.equal(sizes.at(-1), SEGMENT_SIZE)
    await close(log)
    const again = openSegmentedLog(disk, { storeId: 's', segmentSize: SEGMENT_SIZE })
    assert.equal((await read(again, 1, 108)).length, 108)
    await close(again)
  })

  test('poisons the log when it needs the next segment, says why, and leaves nothing half made', async () => {
    const disk = new MemoryDisk(setImmediate, { capacityBytes })
    const log = openSegmentedLog(disk, { storeId: 's', segmentSize: SEGMENT_SIZE })
    disk.open('filler').writeDurablySync(0, new Uint8Array(capacityBytes - SEGMENT_SIZE - 1000))
    await write(log, { entries: entries(1, 20, 1, 100) })
    await assert.rejects(write(log, { entries: entries(21, 42, 1, 100) }), /ENOSPC/)
    await assertPoisoned(log, [], /ENOSPC/)
    assert.deepEqual(disk.list(), ['filler', 'log-0000000001.segment'])
  })
})

test('distrust: reports that the mark was not written, and reaches the disk after an error of the log', async () => {
  const { disk, log, fail } = makeLog()
  fail('writeDurably')
  await assert.rejects(write(log, { entries: entries(1, 2) }), /EIO: writeDurably/)
  await assert.rejects(
    complete((done) => log.distrust('why', done)),
    /EIO: writeDurably/,
  )
  disk.failOn(() => undefined)
  await complete((done) => log.distrust('why', done))
  assert.throws(
    () => openSegmentedLog(disk, { storeId: 's', segmentSize: SEGMENT_SIZE }),
    /has forgotten .*: why \(marked by log-distrusted\)/,
  )
})

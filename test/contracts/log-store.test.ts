import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Disk, LogStore } from '../../src/ports/index.ts'
import { MemoryDisk, NodeDisk } from '../../src/storage/disk/index.ts'
import { MemoryLog, openSegmentedLog } from '../../src/storage/log/index.ts'
import { close, entries, logStoreContract, purge, write } from './log-store.ts'
import type { LogStoreFixture } from './log-store.ts'

const root = mkdtempSync(join(tmpdir(), 'aspen-log-'))
after(() => rmSync(root, { recursive: true }))
let directories = 0

function segmented(makeDisk: () => Disk, segmentSize: number): LogStoreFixture {
  const disks = new WeakMap<LogStore, Disk>()
  const openOn = (disk: Disk): LogStore => {
    const log = openSegmentedLog(disk, { storeId: 'a1b2', segmentSize })
    disks.set(log, disk)
    return log
  }
  return { open: () => openOn(makeDisk()), reopen: (log) => openOn(disks.get(log) as Disk) }
}

const onNodeDisk = (): Disk => new NodeDisk(join(root, `${++directories}`))
const inMemory = (): Disk => new MemoryDisk(setImmediate)

logStoreContract('SegmentedLog on NodeDisk', segmented(onNodeDisk, 64 * 1024))
logStoreContract('SegmentedLog on MemoryDisk', segmented(inMemory, 64 * 1024))
logStoreContract('SegmentedLog on MemoryDisk with tiny segments', segmented(inMemory, 1024))
logStoreContract(
  'SegmentedLog on MemoryDisk that completes in microtasks',
  segmented(() => new MemoryDisk(queueMicrotask), 4096),
)

for (const [how, defer] of [
  ['later', setImmediate],
  ['in microtasks', queueMicrotask],
] as const)
  logStoreContract(`MemoryLog that completes ${how}`, {
    open: () => new MemoryLog((run) => void defer(run)),
    reopen: (log) => (log as MemoryLog).handOver(),
  })

test('MemoryLog: is opened again once, when it has closed', async () => {
  const log = new MemoryLog(setImmediate)
  assert.throws(() => log.handOver(), /once it is closed: it is open/)
  const closing = close(log)
  assert.throws(() => log.handOver(), /once it is closed: it is closing/)
  await closing
  log.handOver()
  assert.throws(() => log.handOver(), /once it is closed: it is handed over/)
})

test('MemoryLog: counts the same bytes in each life', async () => {
  const log = new MemoryLog(setImmediate)
  await write(log, { entries: entries(1, 50, 1, 100) })
  const size = log.sizeBytes()
  await close(log)
  const again = log.handOver()
  assert.deepEqual([again.sizeBytes(), log.sizeBytes()], [size, 0])
  await purge(again, 50)
  assert.equal(again.sizeBytes(), 0)
})

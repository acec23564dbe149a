import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { Disk, LogStore } from '../../src/ports/index.ts'
import { MemoryDisk, NodeDisk } from '../../src/storage/disk/index.ts'
import { MemoryLog, openSegmentedLog } from '../../src/storage/log/index.ts'
import { logStoreContract } from './log-store.ts'
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
logStoreContract('MemoryLog', { open: () => new MemoryLog(setImmediate) })

/** Files of a segmented log that are not as they were written: what is repaired, what is refused, and in which words. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Disk, LogBatch, LogStore } from '../../src/ports/index.ts'
import { MemoryDisk } from '../../src/storage/disk/index.ts'
import { hasLog, LogCorruptionError, openSegmentedLog } from '../../src/storage/log/index.ts'
import { close, entries, entry, plain, read, reset, write } from './log-store.ts'

const SEGMENT_SIZE = 4096
const HEADER_SIZE = 512
const FRAME_HEADER_SIZE = 32
const RECORD_HEADER_SIZE = 28

const segment = (number: number): string => `log-${String(number).padStart(10, '0')}.segment`

function open(disk: Disk, storeId = 'store-a'): LogStore {
  return openSegmentedLog(disk, { storeId, segmentSize: SEGMENT_SIZE })
}

/** A disk with a log of these writes that was not closed, as a killed process leaves it. */
async function killedAfter(...writes: LogBatch[][]): Promise<MemoryDisk> {
  const disk = new MemoryDisk(queueMicrotask)
  const log = open(disk)
  for (const batches of writes) await write(log, ...batches)
  return disk
}

/** Writes of one entry each, of 100 bytes: 160 bytes a frame, 22 frames a segment. */
function singles(first: number, last: number): LogBatch[][] {
  return entries(first, last, 1, 100).map((one) => [{ entries: [one] }])
}
const FRAME_SIZE = FRAME_HEADER_SIZE + RECORD_HEADER_SIZE + 100
const frameAt = (number: number): number => HEADER_SIZE + number * FRAME_SIZE

function patch(disk: Disk, name: string, change: (bytes: Uint8Array) => void): void {
  const file = disk.open(name)
  const bytes = file.readSync(0, file.size())
  change(bytes)
  file.writeDurablySync(0, bytes)
  file.close()
}

function flip(disk: Disk, name: string, position: number, mask = 1): void {
  patch(disk, name, (bytes) => {
    bytes[position] = (bytes[position] as number) ^ mask
  })
}

/** Opening must be refused as damage at that place, and leave every file as it is. */
function assertRefused(disk: Disk, file: string, reason: RegExp, offset?: number): void {
  const before = contents(disk)
  assert.throws(
    () => open(disk),
    (error: unknown) => {
      assert.ok(error instanceof LogCorruptionError, String(error))
      assert.equal(error.file, file)
      if (offset !== undefined) assert.equal(error.offset, offset)
      assert.match(error.message, reason)
      assert.ok(error.message.includes(file) && error.message.includes('aspen-node rejoin --via'), error.message)
      return true
    },
  )
  assert.deepEqual(contents(disk), before)
}

function contents(disk: Disk): Record<string, string> {
  const files: Record<string, string> = {}
  for (const name of disk.list()) {
    const file = disk.open(name)
    files[name] = Buffer.from(file.readSync(0, file.size())).toString('base64')
    file.close()
  }
  return files
}

function recoveredIndexes(log: LogStore): number[] {
  return log.recovered.entries.map(({ index }) => index)
}

describe('SegmentedLog: a torn tail', () => {
  test('is cut when the last frame is incomplete, once, and the log goes on', async () => {
    for (const lost of [1, 50, FRAME_SIZE - 1]) {
      const disk = await killedAfter(...singles(1, 3))
      patch(disk, segment(1), (bytes) => bytes.fill(0, frameAt(3) - lost, frameAt(3)))
      const log = open(disk)
      assert.deepEqual(recoveredIndexes(log), [1, 2])
      assert.ok(log.recovered.tornBytes > 0 && log.recovered.tornBytes <= FRAME_SIZE)
      await write(log, { entries: [entry(3, 2)] })
      const again = open(disk)
      assert.equal(again.recovered.tornBytes, 0)
      assert.deepEqual(plain(await read(again, 1, 3)), plain([...entries(1, 2, 1, 100), entry(3, 2)]))
    }
  })

  test('is made zeros, so that none of it is found again', async () => {
    const disk = await killedAfter(...singles(1, 3))
    flip(disk, segment(1), frameAt(2) + 70)
    assert.equal(open(disk).recovered.tornBytes, FRAME_SIZE)
    assert.equal(open(disk).recovered.tornBytes, 0)
    const file = disk.open(segment(1))
    assert.ok(file.readSync(frameAt(2) + FRAME_HEADER_SIZE, SEGMENT_SIZE).every((byte) => byte === 0))
  })

  test('takes all batches of its write with it, and none of an earlier write', async () => {
    const disk = await killedAfter(
      [{ entries: [entry(1)] }],
      [{ entries: [entry(2)] }, { hardState: { term: 9, votedFor: 1 }, entries: [entry(3)] }],
    )
    flip(disk, segment(1), HEADER_SIZE + 2 * FRAME_HEADER_SIZE + 2 * (RECORD_HEADER_SIZE + 20) + 5)
    const log = open(disk)
    assert.deepEqual(recoveredIndexes(log), [1])
    assert.deepEqual(log.recovered.hardState, { term: 0, votedFor: null })
  })

  test('is not taken for damage when a value in it looks like a later frame', async () => {
    // The same frames from another log: byte for byte frames of this format, at these very positions.
    const other = new MemoryDisk(queueMicrotask)
    const otherLog = open(other, 'store-b')
    for (const batches of singles(1, 4)) await write(otherLog, ...batches)
    const lookalike = other.open(segment(1)).readSync(frameAt(2), 2 * FRAME_SIZE)
    const disk = await killedAfter([{ entries: [entry(1, 1, 100)] }])
    const log = open(disk)
    const at = frameAt(1) + FRAME_HEADER_SIZE
    const padding = frameAt(2) - at - FRAME_HEADER_SIZE - RECORD_HEADER_SIZE
    const payload = Buffer.concat([Buffer.alloc(padding, 1), lookalike])
    await write(log, { entries: [{ index: 2, term: 1, kind: 'command', payload }] })
    flip(disk, segment(1), at + FRAME_HEADER_SIZE + 4)
    assert.deepEqual(recoveredIndexes(open(disk)), [1])
  })

  test('may be a spare file in any state', async () => {
    const disk = await killedAfter(...singles(1, 3))
    disk.open('log-spare').writeDurablySync(0, disk.open(segment(1)).readSync(0, 2000))
    const log = open(disk)
    assert.deepEqual(recoveredIndexes(log), [1, 2, 3])
    assert.deepEqual(disk.list(), [segment(1)])
  })
})

describe('SegmentedLog: damage before the last synced record', () => {
  test('is refused wherever it is, when a later write follows', async () => {
    for (const offset of [0, 4, 8, 16, 20, 28, FRAME_HEADER_SIZE, FRAME_HEADER_SIZE + 4, FRAME_HEADER_SIZE + 8, FRAME_SIZE - 1]) {
      const disk = await killedAfter(...singles(1, 4))
      flip(disk, segment(1), frameAt(1) + offset)
      assertRefused(disk, segment(1), /a later write follows at byte 832/, frameAt(1))
    }
  })

  test('is refused when whole frames have become zeros', async () => {
    const disk = await killedAfter(...singles(1, 6))
    patch(disk, segment(1), (bytes) => bytes.fill(0, frameAt(1), frameAt(4)))
    assertRefused(disk, segment(1), /a later write follows/, frameAt(1))
  })

  test('is refused when a frame lies where another was written', async () => {
    const disk = await killedAfter(...singles(1, 6))
    patch(disk, segment(1), (bytes) => bytes.copyWithin(frameAt(2), frameAt(3), frameAt(4)))
    assertRefused(disk, segment(1), /a later write follows/, frameAt(2))
  })

  test('is refused in the very last record after a clean stop', async () => {
    const disk = await killedAfter()
    const log = open(disk)
    await write(log, { entries: [entry(1)] })
    await close(log)
    flip(disk, segment(1), HEADER_SIZE + 40)
    // The marker of the stop shows that the write before it had ended.
    assertRefused(disk, segment(1), /a later write follows/, HEADER_SIZE)
  })

  test('is refused in a record that a recovery has accepted', async () => {
    const disk = await killedAfter(...singles(1, 2))
    open(disk)
    flip(disk, segment(1), frameAt(1) + 40)
    assertRefused(disk, segment(1), /a later write follows/, frameAt(1))
  })

  test('is refused in every frame of a segment that is not the last', async () => {
    for (const frame of [0, 10, 20]) {
      const disk = await killedAfter(...singles(1, 50))
      flip(disk, segment(1), frameAt(frame) + 70)
      assertRefused(disk, segment(1), /continues after write/, frameAt(frame))
    }
  })

  test('is refused in the only frame of a segment that began with it', async () => {
    const disk = await killedAfter(...singles(1, 23))
    assert.equal(disk.list().filter((name) => name.endsWith('segment')).length, 2)
    flip(disk, segment(2), HEADER_SIZE + 70)
    assertRefused(disk, segment(2), /made durable together with the header/, HEADER_SIZE)
  })
})

describe('SegmentedLog: damaged or foreign files', () => {
  test('a missing middle segment is refused', async () => {
    const disk = await killedAfter(...singles(1, 80))
    disk.remove(segment(2))
    assertRefused(disk, segment(2), /missing between .*1.segment and .*3.segment/)
  })

  test('a missing last segment is refused', async () => {
    const disk = await killedAfter(...singles(1, 50))
    disk.remove(segment(3))
    disk.remove('log-spare')
    assertRefused(disk, segment(3), /the file is missing/)
  })

  test('a missing last segment is refused however full the one before it is', async () => {
    const room = SEGMENT_SIZE - HEADER_SIZE - FRAME_HEADER_SIZE - RECORD_HEADER_SIZE
    for (let spared = 0; spared <= 4 * FRAME_HEADER_SIZE; spared += FRAME_HEADER_SIZE / 2) {
      const disk = await killedAfter([{ entries: [entry(1, 1, room - spared)] }])
      await close(open(disk))
      await write(open(disk), { entries: entries(2, 2, 1, 200) })
      await close(open(disk))
      const last = disk.list().at(-1) as string
      assert.notEqual(last, segment(1))
      disk.remove(last)
      assertRefused(disk, last, /the file is missing/)
    }
  })

  test('a damaged header is refused, in any segment and any byte that counts', async () => {
    for (const number of [1, 2, 3]) {
      for (const position of [0, 7, 8, 12, 16, 24, 40, 72, 80, 90, 210, 220, 511]) {
        const disk = await killedAfter(...singles(1, 50))
        flip(disk, segment(number), position)
        assertRefused(disk, segment(number), /checksum of its header|does not begin like/)
      }
    }
  })

  test('a shortened file is refused, in any segment', async () => {
    for (const number of [1, 3]) {
      for (const size of [0, 100, HEADER_SIZE, 1000, SEGMENT_SIZE - 1]) {
        const disk = await killedAfter(...singles(1, 50))
        disk.open(segment(number)).truncateSync(size)
        assertRefused(disk, segment(number), /the file ends/, size)
      }
    }
  })

  test("segments in each other's place are refused", async () => {
    const disk = await killedAfter(...singles(1, 50))
    disk.rename(segment(1), 'x')
    disk.rename(segment(2), segment(1))
    disk.rename('x', segment(2))
    assertRefused(disk, segment(2), /says that it is segment 1/)
  })

  test('a segment that does not continue the one before it is refused', async () => {
    const donor = await killedAfter([{ hardState: { term: 4, votedFor: 2 }, entries: [entry(1, 1, 100)] }], ...singles(2, 50))
    const disk = await killedAfter([{ hardState: { term: 5, votedFor: 2 }, entries: [entry(1, 1, 100)] }], ...singles(2, 50))
    for (const number of [2, 3])
      disk.open(segment(number)).writeDurablySync(0, donor.open(segment(number)).readSync(0, SEGMENT_SIZE))
    assertRefused(disk, segment(2), /does not continue/)
  })

  test('a segment of another cluster is refused', async () => {
    const donor = await killedAfter([{ clusterId: 'cluster-b', entries: [entry(1, 1, 91)] }], ...singles(2, 50))
    const disk = await killedAfter([{ clusterId: 'cluster-a', entries: [entry(1, 1, 91)] }], ...singles(2, 50))
    for (const number of [2, 3])
      disk.open(segment(number)).writeDurablySync(0, donor.open(segment(number)).readSync(0, SEGMENT_SIZE))
    assertRefused(disk, segment(2), /belongs to cluster cluster-b, and the segment before it to cluster-a/)
  })

  test('a log of another log store is refused by both names, and not changed', async () => {
    const disk = await killedAfter(...singles(1, 3))
    const before = contents(disk)
    assert.throws(
      () => open(disk, 'store-b'),
      /0000000001.segment belongs to log store store-a, and this node's identity names store-b/,
    )
    assert.deepEqual(contents(disk), before)
  })

  test('a newer format version is refused by its number', async () => {
    const { crc32 } = await import('node:zlib')
    const disk = await killedAfter(...singles(1, 3))
    patch(disk, segment(1), (bytes) => {
      bytes[12] = 9
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(8, crc32(bytes.subarray(12, HEADER_SIZE)), true)
    })
    assert.throws(
      () => open(disk),
      /0000000001.segment has log format version 9, and this program reads version 2: run the version/,
    )
  })
})

describe('SegmentedLog: what a reset has voided', () => {
  test('is neither read nor kept, damaged or not', async () => {
    const disk = await killedAfter(...singles(1, 50))
    const old = contents(disk)
    const log = open(disk)
    await reset(log, { term: 7, index: 70 }, { term: 8, votedFor: null }, 'c')
    await close(log)
    // As if the removals had not become durable, and the disk was bad besides.
    for (const number of [1, 3])
      disk.open(segment(number)).writeDurablySync(0, Buffer.from(old[segment(number)] as string, 'base64'))
    flip(disk, segment(3), 3)
    const { recovered } = open(disk)
    assert.deepEqual(recovered.purged, { term: 7, index: 70 })
    assert.deepEqual(recovered.hardState, { term: 8, votedFor: null })
    assert.deepEqual(disk.list(), [segment(4)])
  })
})

describe('SegmentedLog: reading', () => {
  test('refuses an entry that has changed since it was written, and every call after that', async () => {
    for (const offset of [0, 4, 8, 12, 20, RECORD_HEADER_SIZE, RECORD_HEADER_SIZE + 99]) {
      const disk = await killedAfter()
      const log = open(disk)
      for (const batches of singles(1, 5)) await write(log, ...batches)
      flip(disk, segment(1), frameAt(2) + FRAME_HEADER_SIZE + offset)
      assert.equal((await read(log, 1, 2)).length, 2)
      const damage = { name: 'LogCorruptionError', file: segment(1), offset: frameAt(2) + FRAME_HEADER_SIZE }
      await assert.rejects(read(log, 1, 5), damage)
      await assert.rejects(read(log, 1, 1), damage)
      await assert.rejects(write(log, { entries: [entry(6)] }), damage)
    }
  })

  test('refuses an entry that is being written', async () => {
    const log = open(new MemoryDisk(queueMicrotask))
    const writing = write(log, { entries: [entry(1)] })
    assert.throws(() => log.read(1, 1, 1, () => undefined), /durable are 1 to 0/)
    await writing
  })
})

describe('hasLog', () => {
  test('hasLog: is false before the first opening and for foreign files, true afterwards', () => {
    const disk = new MemoryDisk(queueMicrotask)
    for (const name of ['log-spare', 'log-1.segment', 'log-000000000x.segment', 'other', 'x-0000000001.segment']) disk.open(name)
    assert.equal(hasLog(disk), false)
    open(disk)
    assert.equal(hasLog(disk), true)
    assert.equal(hasLog(disk, 'other-'), false)
  })

  test('openSegmentedLog: keeps logs with different prefixes apart', async () => {
    const disk = new MemoryDisk(queueMicrotask)
    const logs = ['a-', 'b-'].map((prefix) => openSegmentedLog(disk, { storeId: prefix, segmentSize: SEGMENT_SIZE, prefix }))
    for (const log of logs) await write(log, { entries: [entry(1)] })
    assert.equal(openSegmentedLog(disk, { storeId: 'a-', prefix: 'a-' }).recovered.entries.length, 1)
  })
})

/** The format on disk, byte for byte: a change here is a new format version. What a log does is in test/contracts. */
import { LaterVersion } from '../../commands/index.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import type { Entry, EntryKind } from '../../raft/index.ts'
import type { LogBatch, LogStore } from '../../ports/index.ts'
import { FIRST_LOG_SEGMENT_SIZE } from '../../limits.ts'
import { MemoryDisk } from '../disk/index.ts'
import { openSegmentedLog } from './segmented-log.ts'

const OPTIONS = { storeId: '0123456789abcdef', segmentSize: 2048 }
const NO_ID = `ffff${'00'.repeat(128)}`
const STORE_ID = `1000${Buffer.from(OPTIONS.storeId).toString('hex')}`

function id(text: string): string {
  return `0${text.length}00${Buffer.from(text).toString('hex')}`.padEnd(130 * 2, '0')
}

/** The same of the format before this one, as the release at commit 8936bd9 wrote it. */
const FORMAT_1_HEADER =
  '415350454e4c4f47' +
  '62fe4d91' +
  '010000000000000000000000' +
  '0100000000000000' +
  '00'.repeat(40) +
  '0008000000000000' +
  NO_ID +
  STORE_ID

/** Magic, CRC, version and flags, number, previous sequence, base index and term, hard state, capacity, ids. */
const FIRST_HEADER =
  '415350454e4c4f47' +
  '67deb065' +
  '020000000000000000000000' +
  '0100000000000000' +
  '0000000000000000' +
  '0000000000000000' +
  '0000000000000000' +
  '0000000000000000' +
  '0000000000000000' +
  '0008000000000000' +
  NO_ID +
  STORE_ID

const RESET_HEADER =
  '415350454e4c4f47' +
  '81743148' +
  '020000000100000000000000' +
  '0200000000000000' +
  '0200000000000000' +
  '0900000000000000' +
  '0700000000000000' +
  '0800000000000000' +
  '0000000000000000' +
  '0008000000000000' +
  id('cafe') +
  STORE_ID

const FRAMES =
  // A frame: magic, CRC, sequence 1, position 512, 176 bytes, 6 records, data.
  '0ce7a58f' +
  'b7275857' +
  '0100000000000000' +
  '00020000' +
  'b0000000' +
  '06000000' +
  '00000000' +
  // Cluster id 'cafe'.
  'fc999e6b' +
  '04000000' +
  '06000001' +
  '0000000000000000' +
  '0000000000000000' +
  '63616665' +
  // Hard state: vote 3, term 2^32 + 1.
  '7150ef58' +
  '00000000' +
  '04000001' +
  '0300000000000000' +
  '0100000001000000' +
  // Entry 1 of term 1, membership, 'm'.
  'b3f36be3' +
  '01000000' +
  '03000001' +
  '0100000000000000' +
  '0100000000000000' +
  '6d' +
  // Entry 2 of term 2, noop, empty.
  'b33c9744' +
  '00000000' +
  '02000001' +
  '0200000000000000' +
  '0200000000000000' +
  // Truncation: entry 1 of term 1 stays.
  '31299402' +
  '00000000' +
  '05000001' +
  '0100000000000000' +
  '0100000000000000' +
  // Entry 2 of term 3, command, 'set'.
  'f7d16b38' +
  '03000000' +
  '01000001' +
  '0200000000000000' +
  '0300000000000000' +
  '736574' +
  // The marker of a clean stop: sequence 2, position 720, no bytes, no records.
  '0ce7a58f' +
  '099cdf91' +
  '0200000000000000' +
  'd0020000' +
  '00000000' +
  '00000000' +
  '01000000'

const padded = (hex: string, size: number): string => hex.padEnd(size * 2, '0')

function entry(index: number, term: number, kind: EntryKind, payload: string): Entry {
  return { index, term, kind, payload: Buffer.from(payload) }
}

const BATCHES: readonly LogBatch[] = [
  {
    clusterId: 'cafe',
    hardState: { term: 2 ** 32 + 1, votedFor: 3 },
    entries: [entry(1, 1, 'membership', 'm'), entry(2, 2, 'noop', '')],
  },
  { truncateFrom: 2, entries: [entry(2, 3, 'command', 'set')] },
]

function finished(start: (done: (error?: Error) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error === undefined ? resolve() : reject(error))))
}

function hexOf(disk: MemoryDisk, name: string, size: number): string {
  return Buffer.from(disk.open(name).readSync(0, size)).toString('hex')
}

test('SegmentedLog: writes these bytes', async () => {
  const disk = new MemoryDisk(queueMicrotask)
  const log = openSegmentedLog(disk, OPTIONS)
  await finished((done) => log.write(BATCHES, done))
  await finished((done) => log.close(done))
  assert.equal(hexOf(disk, 'log-0000000001.segment', 4096), padded(padded(FIRST_HEADER, 512) + FRAMES, 2048))

  const again: LogStore = openSegmentedLog(disk, OPTIONS)
  await finished((done) => again.reset({ term: 7, index: 9 }, { term: 8, votedFor: null }, 'cafe', done))
  assert.equal(hexOf(disk, 'log-0000000002.segment', 4096), padded(RESET_HEADER, 2048))
})

test('SegmentedLog: begins small, and each segment has twice the bytes of the one before, up to the size it was given', async () => {
  const disk = new MemoryDisk(queueMicrotask)
  const options = { storeId: OPTIONS.storeId, segmentSize: 4 * FIRST_LOG_SEGMENT_SIZE }
  const sizes = (): number[] =>
    disk
      .list()
      .filter((name) => name.endsWith('.segment'))
      .toSorted()
      .map((name) => disk.open(name).size() / FIRST_LOG_SEGMENT_SIZE)
  const payload = 'x'.repeat(FIRST_LOG_SEGMENT_SIZE / 4)
  const log = openSegmentedLog(disk, options)
  assert.deepEqual(sizes(), [1])
  let index = 0
  const write = async (to: LogStore, count: number): Promise<void> => {
    for (const end = index + count; index < end;)
      await finished((done) => to.write([{ entries: [entry(++index, 1, 'command', payload)] }], done))
  }
  // Of four quarters one is taken by headers; so it is in the segments behind.
  await write(log, 3 + 7 + 15)
  assert.deepEqual(sizes(), [1, 2, 4])
  await finished((done) => log.close(done))

  const again = openSegmentedLog(disk, options)
  await write(again, 1)
  assert.deepEqual(sizes(), [1, 2, 4, 4])
  const read = Promise.withResolvers<readonly Entry[]>()
  again.read(1, index, Number.MAX_SAFE_INTEGER, (error, entries) =>
    error === undefined ? read.resolve(entries) : read.reject(error),
  )
  assert.ok((await read.promise).every(({ payload: kept }) => Buffer.from(kept).equals(Buffer.from(payload))))
  await finished((done) => again.close(done))
})

test('openSegmentedLog: reads these bytes', () => {
  const disk = new MemoryDisk(queueMicrotask)
  disk.open('log-0000000001.segment').writeDurablySync(0, Buffer.from(padded(padded(FIRST_HEADER, 512) + FRAMES, 2048), 'hex'))
  const log = openSegmentedLog(disk, OPTIONS)
  assert.equal(log.storeId, OPTIONS.storeId)
  const { memberships, ...rest } = log.recovered
  assert.deepEqual(rest, {
    clusterId: 'cafe',
    hardState: { term: 2 ** 32 + 1, votedFor: 3 },
    purged: { term: 0, index: 0 },
    entries: [
      { index: 1, term: 1, kind: 'membership', size: 1 },
      { index: 2, term: 3, kind: 'command', size: 3 },
    ],
    clusterVersion: 0,
    tornBytes: 0,
  })
  assert.deepEqual(
    memberships.map(({ index, payload }) => [index, Buffer.from(payload).toString()]),
    [[1, 'm']],
  )
})

test('openSegmentedLog: refuses a store id that a header cannot hold, and sizes that make no sense', () => {
  const disk = new MemoryDisk(queueMicrotask)
  assert.throws(() => openSegmentedLog(disk, { storeId: 'x'.repeat(129) }), /129 bytes/)
  assert.throws(() => openSegmentedLog(disk, { storeId: '' }), /needs the id/)
  assert.throws(() => openSegmentedLog(disk, { storeId: 'x', segmentSize: 100 }), /not supported/)
})

test('openSegmentedLog: refuses a log of the format before this one by name, and leaves it as it is', () => {
  const disk = new MemoryDisk(queueMicrotask)
  const bytes = Buffer.from(padded(padded(FORMAT_1_HEADER, 512), 2048), 'hex')
  disk.open('log-0000000001.segment').writeDurablySync(0, bytes)
  assert.throws(
    () => openSegmentedLog(disk, OPTIONS),
    /log-0000000001.segment has log format version 1, and this program reads version 2: run the version of Aspen that wrote it/,
  )
  assert.equal(hexOf(disk, 'log-0000000001.segment', 4096), bytes.toString('hex'))
})

/** A log with one record of one entry, in which `change` has rewritten the header of the record. */
async function patchedRecord(change: (record: Buffer) => void): Promise<MemoryDisk> {
  const disk = new MemoryDisk(queueMicrotask)
  const log = openSegmentedLog(disk, OPTIONS)
  await finished((done) => log.write([{ entries: [entry(1, 1, 'command', 'set')] }], done))
  await finished((done) => log.close(done))
  const bytes = Buffer.from(disk.open('log-0000000001.segment').readSync(0, 2048))
  const record = bytes.subarray(512 + 32, 512 + 32 + 28 + 3)
  change(record)
  record.writeUInt32LE(crc32(record.subarray(4), crc32(`${OPTIONS.storeId}/1`)), 0)
  const patched = new MemoryDisk(queueMicrotask)
  patched.open('log-0000000001.segment').writeDurablySync(0, bytes)
  return patched
}

test('openSegmentedLog: refuses a whole record of another group, and of what only a later version knows, by name', async () => {
  const ofGroup = await patchedRecord((record) => record.writeUInt16LE(300, 9))
  assert.throws(() => openSegmentedLog(ofGroup, OPTIONS), /record at 544 of log-0000000001.segment belongs to group 300/)
  const later = await patchedRecord((record) => {
    record.writeUInt8(9, 8)
    record.writeUInt8(2, 11)
  })
  assert.throws(
    () => openSegmentedLog(later, OPTIONS),
    (error: unknown) => {
      assert.ok(error instanceof LaterVersion)
      assert.equal(error.needs, 2)
      assert.match(error.message, /record at 544 of log-0000000001.segment needs version 2 of the commands/)
      return true
    },
  )
  const known = await patchedRecord((record) => record.writeUInt8(2, 11))
  assert.throws(() => openSegmentedLog(known, OPTIONS), LaterVersion)
  const { entries } = openSegmentedLog(known, { ...OPTIONS, ownVersion: 2 }).recovered
  assert.equal(entries.length, 1, 'a program of version 2 reads what it wrote')
  const same = await patchedRecord(() => undefined)
  assert.equal(openSegmentedLog(same, OPTIONS).recovered.entries.length, 1)
})

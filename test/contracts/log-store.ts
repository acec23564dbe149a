/** What every LogStore must do. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeSetVersion } from '../../src/commands/index.ts'
import type { LogBatch, LogStore } from '../../src/ports/index.ts'
import { DistrustedLogError } from '../../src/storage/index.ts'
import type { Entry, EntryKind, HardState, LogId } from '../../src/raft/index.ts'
import { complete } from './disk.ts'

export interface LogStoreFixture {
  /** An empty log in a place of its own. */
  open(): LogStore
  /** Opens again what a log made by `open` (or by this) has left, after it was closed. */
  reopen(log: LogStore): LogStore
}

export function write(log: LogStore, ...batches: LogBatch[]): Promise<void> {
  return complete((done) => log.write(batches, done))
}

export function purge(log: LogStore, index: number): Promise<LogId> {
  let result: LogId | undefined
  return complete((done) =>
    log.purge(index, (error, purged) => {
      result = purged
      done(error)
    }),
  ).then(() => result as LogId)
}

export function reset(log: LogStore, position: LogId, hardState: HardState, clusterId: string): Promise<void> {
  return complete((done) => log.reset(position, hardState, clusterId, done))
}

export function close(log: LogStore): Promise<void> {
  return complete((done) => log.close(done))
}

export function read(log: LogStore, first: number, last: number, maxBytes = Number.MAX_SAFE_INTEGER): Promise<readonly Entry[]> {
  let result: readonly Entry[] = []
  return complete((done) =>
    log.read(first, last, maxBytes, (error, entries) => {
      result = entries
      done(error)
    }),
  ).then(() => result)
}

/** An entry whose payload tells entries apart. */
export function entry(index: number, term = 1, size = 20, kind: EntryKind = 'command'): Entry {
  return { index, term, kind, payload: Uint8Array.from({ length: size }, (_, i) => (index * 7 + term * 13 + i) % 256) }
}

export function entries(first: number, last: number, term = 1, size = 20): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, i) => entry(first + i, term, size))
}

/** Entries in a form that deepEqual compares, whatever class their bytes have. */
export function plain(list: readonly Entry[]): unknown[] {
  return list.map(({ index, term, kind, payload }) => ({ index, term, kind, payload: Buffer.from(payload).toString('hex') }))
}

export function logStoreContract(name: string, fixture: LogStoreFixture): void {
  describe(`${name}: LogStore contract`, () => {
    writingContract(fixture)
    readingContract(fixture)
    readingAtTheEdgesContract(fixture)
    purgeContract(fixture)
    resetContract(fixture)
    usageContract(fixture)
    reopenContract(fixture, async (log) => (await close(log), fixture.reopen(log)))
  })
}

function writingContract({ open }: LogStoreFixture): void {
  test('recovered: is empty when the log is new', () => {
    assert.deepEqual(open().recovered, {
      clusterId: null,
      hardState: { term: 0, votedFor: null },
      purged: { term: 0, index: 0 },
      entries: [],
      memberships: [],
      clusterVersion: 0,
      tornBytes: 0,
    })
  })

  test('write: entries of several batches are read back', async () => {
    const log = open()
    await write(log, { entries: entries(1, 3) }, { entries: [entry(4, 2, 0, 'noop')] }, { entries: [] })
    await write(log, { entries: entries(5, 6, 2) })
    const expected = [...entries(1, 3), entry(4, 2, 0, 'noop'), ...entries(5, 6, 2)]
    assert.deepEqual(plain(await read(log, 1, 6)), plain(expected))
  })

  test('write: completes when there is nothing to write', async () => {
    const log = open()
    await write(log)
    await write(log, { entries: [] })
  })

  test('write: a truncation removes the entry and those after it, and others take their place', async () => {
    const log = open()
    await write(log, { entries: entries(1, 5) })
    await write(log, { truncateFrom: 3, entries: entries(3, 4, 2) })
    assert.deepEqual(plain(await read(log, 1, 4)), plain([...entries(1, 2), ...entries(3, 4, 2)]))
    assert.throws(() => log.read(5, 5, 1, () => undefined), /cannot be read/)
  })

  test('write: a batch may truncate what an earlier batch of the same write appended', async () => {
    const log = open()
    await write(log, { entries: entries(1, 5) }, { truncateFrom: 2, entries: entries(2, 2, 2) }, { entries: entries(3, 3, 3) })
    assert.deepEqual(plain(await read(log, 1, 3)), plain([entry(1), entry(2, 2), entry(3, 3)]))
  })

  test('write: a truncation behind the end, or of everything, is fine', async () => {
    const log = open()
    await write(log, { entries: entries(1, 2) })
    await write(log, { truncateFrom: 9, entries: [] })
    assert.deepEqual(plain(await read(log, 1, 2)), plain(entries(1, 2)))
    await write(log, { truncateFrom: 1, entries: entries(1, 1, 4) })
    assert.deepEqual(plain(await read(log, 1, 1)), plain([entry(1, 4)]))
  })

  test('write: an entry may be empty, or larger than anything before', async () => {
    const log = open()
    await write(log, { entries: [entry(1, 1, 0), entry(2, 1, 300_000), entry(3, 1, 1)] })
    assert.deepEqual(plain(await read(log, 1, 3)), plain([entry(1, 1, 0), entry(2, 1, 300_000), entry(3, 1, 1)]))
  })
}

function readingContract({ open }: LogStoreFixture): void {
  test('read: ends before the entry that would pass maxBytes, and gives at least one', async () => {
    const log = open()
    await write(log, { entries: entries(1, 10, 1, 100) })
    assert.equal((await read(log, 1, 10, 300)).length, 3)
    assert.equal((await read(log, 1, 10, 399)).length, 3)
    assert.equal((await read(log, 4, 10, 0)).length, 1)
    assert.equal((await read(log, 4, 5, 1000)).length, 2)
  })

  test('read: several reads go on beside each other and beside a write', async () => {
    const log = open()
    await write(log, { entries: entries(1, 50) })
    const [, a, b] = await Promise.all([write(log, { entries: entries(51, 60) }), read(log, 1, 50), read(log, 20, 30)])
    assert.deepEqual(plain(a), plain(entries(1, 50)))
    assert.deepEqual(plain(b), plain(entries(20, 30)))
  })

  test('read: gives what was there when a purge or a truncation follows at once', async () => {
    const log = open()
    await write(log, { entries: entries(1, 200, 1, 500) })
    const reading = read(log, 1, 200)
    await write(log, { truncateFrom: 150, entries: [] })
    await purge(log, 100)
    assert.deepEqual(plain(await reading), plain(entries(1, 200, 1, 500)))
  })
}

function readingAtTheEdgesContract({ open }: LogStoreFixture): void {
  test('read: is served to its end when the log is closed at once', async () => {
    const log = open()
    for (let i = 0; i < 200; i += 20) await write(log, { entries: entries(i + 1, i + 20, 1, 500) })
    const reading = read(log, 1, 200)
    await close(log)
    assert.deepEqual(plain(await reading), plain(entries(1, 200, 1, 500)))
  })

  test('read: finds an entry when its write has completed, also from within the callback', async () => {
    const log = open()
    const reading = new Promise<readonly Entry[]>((resolve) =>
      log.write([{ entries: entries(1, 2) }], () => void read(log, 1, 2).then(resolve)),
    )
    assert.deepEqual(plain(await reading), plain(entries(1, 2)))
  })
}

function purgeContract({ open }: LogStoreFixture): void {
  test('purge: reports the position before the first entry held, and the rest can be read', async () => {
    const log = open()
    await write(log, { entries: entries(1, 500, 3, 500) })
    const purged = await purge(log, 300)
    assert.ok(purged.index <= 300)
    assert.equal(purged.term, purged.index === 0 ? 0 : 3)
    assert.deepEqual(plain(await read(log, purged.index + 1, 500)), plain(entries(purged.index + 1, 500, 3, 500)))
    if (purged.index > 0) assert.throws(() => log.read(purged.index, 500, 1, () => undefined), /cannot be read/)
  })

  test('purge: changes nothing when it is repeated or lies behind', async () => {
    const log = open()
    await write(log, { entries: entries(1, 500, 1, 500) })
    const purged = await purge(log, 300)
    assert.deepEqual(await purge(log, 300), purged)
    assert.deepEqual(await purge(log, 1), purged)
    assert.deepEqual(await purge(log, 0), purged)
  })

  test('purge: of everything leaves a log that goes on', async () => {
    const log = open()
    await write(log, { entries: entries(1, 100, 1, 500) })
    const purged = await purge(log, 100)
    await write(log, { entries: entries(101, 110, 2) })
    assert.deepEqual(plain(await read(log, 101, 110)), plain(entries(101, 110, 2)))
    assert.ok(purged.index <= 100)
  })

  test('sizeBytes: grows with what is written and shrinks with what is purged', async () => {
    const log = open()
    const empty = log.sizeBytes()
    await write(log, { entries: entries(1, 2000, 1, 500) })
    const full = log.sizeBytes()
    await purge(log, 2000)
    assert.ok(full > empty && full >= 1_000_000)
    assert.ok(log.sizeBytes() < full)
  })
}

function resetContract({ open }: LogStoreFixture): void {
  test('reset: leaves an empty log that begins after the position', async () => {
    const log = open()
    await write(log, { clusterId: 'c', hardState: { term: 1, votedFor: 2 }, entries: entries(1, 20) })
    await reset(log, { term: 5, index: 100 }, { term: 6, votedFor: null }, 'c')
    assert.throws(() => log.read(20, 20, 1, () => undefined), /cannot be read/)
    await write(log, { entries: entries(101, 103, 6) })
    assert.deepEqual(plain(await read(log, 101, 103)), plain(entries(101, 103, 6)))
    assert.ok((await purge(log, 100)).index === 100)
  })

  test('reset: may go back, and may come first', async () => {
    const log = open()
    await reset(log, { term: 5, index: 100 }, { term: 6, votedFor: null }, 'c')
    await write(log, { entries: entries(101, 130, 6) })
    await reset(log, { term: 5, index: 110 }, { term: 7, votedFor: 1 }, 'c')
    await write(log, { entries: entries(111, 111, 7) })
    assert.deepEqual(plain(await read(log, 111, 111)), plain([entry(111, 7)]))
  })
}

function usageContract({ open }: LogStoreFixture): void {
  test('write: refuses what cannot follow, and changes nothing', async () => {
    const log = open()
    await reset(log, { term: 1, index: 10 }, { term: 1, votedFor: null }, 'c')
    await write(log, { entries: entries(11, 12) })
    const refused: LogBatch[][] = [
      [{ entries: [entry(14)] }],
      [{ entries: [entry(12)] }],
      [{ entries: [entry(13)] }, { entries: [entry(15)] }],
      [{ truncateFrom: 10, entries: [] }],
      [{ truncateFrom: 12, entries: [entry(13)] }],
      [{ clusterId: 'other', entries: [] }],
    ]
    for (const batches of refused) assert.throws(() => log.write(batches, () => undefined), { name: 'AssertionError' })
    await write(log, { entries: [entry(13)] })
    assert.deepEqual(plain(await read(log, 11, 13)), plain(entries(11, 13)))
  })

  test('write, purge, reset: refuse to run beside one another', async () => {
    const log = open()
    const writing = write(log, { entries: entries(1, 1) })
    assert.throws(() => log.write([], () => undefined), /one at a time/)
    assert.throws(() => log.purge(0, () => undefined), /one at a time/)
    assert.throws(() => log.reset({ term: 0, index: 0 }, { term: 0, votedFor: null }, 'c', () => undefined), /one at a time/)
    await writing
  })

  test('read: refuses what is not held', async () => {
    const log = open()
    await write(log, { entries: entries(1, 3) })
    for (const [first, last] of [
      [0, 1],
      [1, 4],
      [3, 2],
    ] as const) {
      assert.throws(() => log.read(first, last, 1, () => undefined), /cannot be read/)
    }
    assert.throws(() => log.purge(4, () => undefined), /cannot be purged/)
  })

  test('close: waits for the write under way, and later calls are refused', async () => {
    const log = open()
    const writing = write(log, { entries: entries(1, 3) })
    await Promise.all([writing, close(log)])
    await assert.rejects(write(log, { entries: [] }), /closed/)
    await assert.rejects(read(log, 1, 1), /closed/)
    await assert.rejects(purge(log, 1), /closed/)
    await assert.rejects(reset(log, { term: 0, index: 0 }, { term: 0, votedFor: null }, 'c'), /closed/)
    await close(log)
  })
}

function reopenContract({ open }: LogStoreFixture, reopen: (log: LogStore) => Promise<LogStore>): void {
  test('reopen: finds cluster id, hard state, entries and memberships', async () => {
    const log = open()
    await write(log, { clusterId: 'cluster-1', hardState: { term: 2, votedFor: 3 }, entries: [entry(1, 2, 30, 'membership')] })
    await write(log, { entries: [entry(2, 2, 0, 'noop'), entry(3, 2)] }, { hardState: { term: 4, votedFor: null }, entries: [] })
    const { recovered } = await reopen(log)
    assert.equal(recovered.clusterId, 'cluster-1')
    assert.deepEqual(recovered.hardState, { term: 4, votedFor: null })
    assert.deepEqual(recovered.purged, { term: 0, index: 0 })
    assert.deepEqual(recovered.entries, [
      { index: 1, term: 2, kind: 'membership', size: 30 },
      { index: 2, term: 2, kind: 'noop', size: 0 },
      { index: 3, term: 2, kind: 'command', size: 20 },
    ])
    assert.deepEqual(plain(recovered.memberships), plain([entry(1, 2, 30, 'membership')]))
    assert.equal(recovered.tornBytes, 0)
  })

  test('reopen: finds what was being written when it was closed, and nothing of what came after', async () => {
    const log = open()
    await write(log, { hardState: { term: 1, votedFor: 1 }, entries: entries(1, 2) })
    let isWritten = false
    log.write([{ hardState: { term: 2, votedFor: 3 }, truncateFrom: 2, entries: [entry(2, 2)] }], () => (isWritten = true))
    const closing = close(log)
    const late = assert.rejects(write(log, { hardState: { term: 3, votedFor: 1 }, entries: [entry(3, 3)] }), /closed/)
    await closing
    assert.ok(isWritten, 'it has settled')
    const again = await reopen(log)
    await late
    await assert.rejects(write(log, { hardState: { term: 4, votedFor: 1 }, truncateFrom: 1, entries: [] }), /closed/)
    await assert.rejects(purge(log, 1), /closed/)
    assert.deepEqual(again.recovered.hardState, { term: 2, votedFor: 3 })
    assert.deepEqual(plain(await read(again, 1, 2)), plain([entry(1), entry(2, 2)]))
  })

  test('reopen: refuses for ever what was marked, beside a write and while it was closed too, with the reason', async () => {
    const log = open()
    const writing = write(log, { entries: entries(1, 3) })
    const marking = complete((done) => log.distrust('entry 9 is gone', done))
    for (let life = 0; life < 2; life++) {
      await assert.rejects(reopen(log), (error: unknown) => {
        assert.ok(error instanceof DistrustedLogError, String(error))
        assert.equal(error.reason, 'entry 9 is gone')
        return true
      })
    }
    await Promise.all([writing, marking])
  })

  test('reopen: a truncated membership is gone, and its successor is there', async () => {
    const log = open()
    await write(log, { entries: [entry(1, 1, 9, 'membership'), entry(2, 1, 9, 'membership'), entry(3, 1, 9, 'membership')] })
    await write(log, { truncateFrom: 2, entries: [entry(2, 2, 5, 'membership'), entry(3, 2)] })
    const { recovered } = await reopen(log)
    assert.deepEqual(plain(recovered.memberships), plain([entry(1, 1, 9, 'membership'), entry(2, 2, 5, 'membership')]))
  })

  test('reopen: goes on where it stopped, many times', async () => {
    let log = open()
    for (let i = 0; i < 30; i++) {
      await write(log, { hardState: { term: i, votedFor: 1 }, entries: entries(i * 10 + 1, i * 10 + 10, i, 200) })
      log = await reopen(log)
      log = await reopen(log)
      assert.equal(log.recovered.tornBytes, 0)
      assert.equal(log.recovered.entries.length, (i + 1) * 10)
    }
    assert.deepEqual(plain(await read(log, 291, 300)), plain(entries(291, 300, 29, 200)))
  })

  test('reopen: keeps what a purge reported, and hard state and cluster id from segments that are gone', async () => {
    const log = open()
    await write(log, { clusterId: 'c', hardState: { term: 3, votedFor: 7 }, entries: [entry(1, 3, 10, 'membership')] })
    await write(log, { entries: entries(2, 500, 3, 500) })
    await write(log, { entries: entries(501, 510, 3, 500) })
    const purged = await purge(log, 505)
    const again = await reopen(log)
    assert.deepEqual(again.recovered.purged, purged)
    assert.equal(again.recovered.entries.length, 510 - purged.index)
    assert.equal(again.recovered.clusterId, 'c')
    assert.deepEqual(again.recovered.hardState, { term: 3, votedFor: 7 })
    assert.deepEqual(again.recovered.memberships, [])
    assert.deepEqual(plain(await read(again, purged.index + 1, 510)), plain(entries(purged.index + 1, 510, 3, 500)))
  })

  test('reopen: tells the highest version that the entries it holds raise the cluster to', async () => {
    const log = open()
    const raise = (index: number, term: number, version: number): Entry => {
      return { index, term, kind: 'version', payload: encodeSetVersion(version) }
    }
    await write(log, { entries: [entry(1), raise(2, 1, 2), entry(3), raise(4, 1, 3)] })
    const first = await reopen(log)
    assert.equal(first.recovered.clusterVersion, 3)
    assert.deepEqual(plain(await read(first, 2, 2)), plain([raise(2, 1, 2)]))
    await write(first, { truncateFrom: 3, entries: [entry(3, 2)] })
    const second = await reopen(first)
    assert.equal(second.recovered.clusterVersion, 2)
    await write(second, { truncateFrom: 2, entries: [] })
    assert.equal((await reopen(second)).recovered.clusterVersion, 0)
  })

  test('reopen: keeps a reset and what was written after it', async () => {
    const log = open()
    await write(log, { clusterId: 'c', entries: entries(1, 100, 1, 500) })
    await reset(log, { term: 4, index: 50 }, { term: 5, votedFor: 2 }, 'c')
    const empty = await reopen(log)
    assert.deepEqual(empty.recovered, {
      clusterId: 'c',
      hardState: { term: 5, votedFor: 2 },
      purged: { term: 4, index: 50 },
      entries: [],
      memberships: [],
      clusterVersion: 0,
      tornBytes: 0,
    })
    await write(empty, { entries: entries(51, 52, 5) })
    assert.equal((await reopen(empty)).recovered.entries.length, 2)
  })
}

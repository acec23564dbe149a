/** What one replica leaves in memory is what the next one finds: no more and no less. */
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { LANGUAGE, Language } from '../../src/commands/index.ts'
import { openMemoryHome } from '../../src/cluster/stores/index.ts'
import { MemoryStores } from '../../src/cluster/stores/memory-stores.ts'
import { closeStores } from '../../src/node/index.ts'
import type { RaftStores } from '../../src/node/index.ts'
import type { StoredSnapshot } from '../../src/ports/index.ts'
import { DistrustedLogError } from '../../src/storage/index.ts'
import { CLUSTER_ID, LogWriter, membershipOf, plainState, rowOf, settled } from '../contracts/state-machine-fixture.ts'

const later = (run: () => void): void => void setImmediate(run)
const closed = (stores: RaftStores): Promise<void> => settled((done) => closeStores(stores, done))

/** Writes entries to the log, and applies them. */
async function take({ log, stateMachine }: RaftStores, entries: readonly ReturnType<LogWriter['set']>[]): Promise<void> {
  await settled((done) => log.write([{ entries }], done))
  stateMachine.apply(entries)
}

/** Stores with a cluster, a vote, and so many keys. */
async function founded(stores: MemoryStores, keys: number): Promise<{ first: RaftStores; writer: LogWriter }> {
  const first = stores.open()
  const writer = new LogWriter()
  await settled((done) => first.log.write([{ clusterId: CLUSTER_ID, hardState: { term: 3, votedFor: 2 }, entries: [] }], done))
  await take(first, [
    writer.membership(membershipOf(1, 2, 3)),
    ...Array.from({ length: keys }, (_, i) => writer.set(`key-${i}`, 'v'.repeat(500))),
  ])
  return { first, writer }
}

test('MemoryStores: log, state and snapshots are found again, and go on', async () => {
  const stores = new MemoryStores(later)
  const { first, writer } = await founded(stores, 30)
  const taken = await settled<StoredSnapshot>((done) => first.stateMachine.takeSnapshot(CLUSTER_ID, done))
  await settled((done) => first.log.purge(10, (error) => done(error)))
  await take(first, [writer.set('key-1', 'after the snapshot')])
  const before = plainState(first.stateMachine)
  await closed(first)

  const second = stores.open()
  const { recovered } = second.log
  assert.deepEqual(recovered.hardState, { term: 3, votedFor: 2 })
  assert.deepEqual([recovered.clusterId, recovered.purged], [CLUSTER_ID, { term: 1, index: 10 }])
  assert.deepEqual([recovered.entries[0]?.index, recovered.entries.at(-1)?.index], [11, 32])
  assert.deepEqual(second.snapshots.newest(), taken)
  assert.deepEqual([plainState(second.stateMachine), second.stateMachine.durableIndex()], [before, 32])
  assert.ok(await settled<boolean>((done) => second.stateMachine.audit(done)))
  assert.deepEqual(second.warnings, [])
  await take(second, [writer.set('key-2', 'in the second life')])
  await closed(second)
  const third = stores.open()
  assert.equal(third.log.recovered.entries.at(-1)?.index, 33)
  assert.equal(rowOf(third.stateMachine, 'key-2')?.value, 'in the second life')
})

test('MemoryStores: are opened by one replica at a time, and by none once they were released', async () => {
  const home = openMemoryHome(tmpdir())
  const first = home.openStores()
  assert.throws(() => home.openStores(), { name: 'AssertionError', message: /are open: close log and state before/ })
  await settled((done) => first.log.close(done))
  assert.throws(() => home.openStores(), /are open: close log and state before/)
  const closing = settled((done) => first.stateMachine.close(done))
  assert.throws(() => home.openStores(), /are open: close log and state before/)
  await closing
  const second = home.openStores()
  assert.throws(() => home.openStores(), /are open: close log and state before/)
  await closed(second)
  home.release()
  assert.throws(() => home.openStores(), /are gone: they were released/)
})

test('MemoryStores: what was under way has settled when they are opened again', async () => {
  const stores = new MemoryStores(later)
  const { first, writer } = await founded(stores, 200)
  const settledInTime: string[] = []
  first.stateMachine.takeSnapshot(CLUSTER_ID, () => settledInTime.push('snapshot'))
  first.stateMachine.audit(() => settledInTime.push('audit'))
  first.log.write([{ hardState: { term: 9, votedFor: 1 }, entries: [writer.noop()] }], () => settledInTime.push('write'))
  await closed(first)
  assert.deepEqual(settledInTime.toSorted(), ['audit', 'snapshot', 'write'])
  const second = stores.open()
  assert.deepEqual(second.log.recovered.hardState, { term: 9, votedFor: 1 })
  assert.equal(second.snapshots.newest()?.last.index, 201)
})

test('MemoryStores: nothing of a former replica reaches the next one', async () => {
  const stores = new MemoryStores(later)
  const { first, writer } = await founded(stores, 20)
  const source = await settled<StoredSnapshot>((done) => first.stateMachine.takeSnapshot(CLUSTER_ID, done))
  const bytes = await settled<Uint8Array>((done) => first.snapshots.read(source.id, 0, source.sizeBytes, done))
  await closed(first)

  // The same, of another node, on its way to this one: it was half there when the first replica ended.
  const others = new MemoryStores(later)
  const receiving = others.open()
  assert.equal(receiving.snapshots.receive(source), 0)
  const half = Math.floor(bytes.length / 2)
  await settled((done) => receiving.snapshots.write(source.id, 0, bytes.subarray(0, half), done))
  await closed(receiving)
  const next = others.open()
  assert.equal(next.snapshots.receive(source), half, 'it goes on where it was')
  // Late, by the former one: another half, and an end.
  receiving.snapshots.write(source.id, half, new Uint8Array(bytes.length - half), () => undefined)
  await assert.rejects(settled((done) => receiving.snapshots.finish(source.id, done)))
  await settled((done) => next.snapshots.write(source.id, half, bytes.subarray(half), done))
  await settled((done) => next.snapshots.finish(source.id, done))
  await settled((done) => next.stateMachine.restore(source, done))
  assert.deepEqual(next.snapshots.newest(), source)

  const second = stores.open()
  const before = plainState(second.stateMachine)
  assert.throws(() => first.stateMachine.apply([writer.set('key-1', 'too late')]), { code: 'CLOSED' })
  await assert.rejects(
    settled((done) => first.stateMachine.restore(source, done)),
    { code: 'CLOSED' },
  )
  await assert.rejects(
    settled((done) => first.log.write([{ hardState: { term: 4, votedFor: 1 }, entries: [] }], done)),
    /closed/,
  )
  assert.deepEqual(plainState(second.stateMachine), before)
  await closed(second)
  assert.deepEqual(stores.open().log.recovered.hardState, { term: 3, votedFor: 2 })
})

test('MemoryStores: a state that is not believed is not believed in the next life either', async () => {
  const stores = new MemoryStores(later)
  const { first } = await founded(stores, 5)
  await settled((done) => first.stateMachine.distrust(CLUSTER_ID, done))
  await closed(first)
  const second = stores.open()
  assert.ok(second.stateMachine.awaitsSnapshot)
  assert.match(second.warnings.join('\n'), /waits for a snapshot of the leader/)
})

test('MemoryStores: a log that has forgotten what was promised is never opened again', async () => {
  const stores = new MemoryStores(later)
  const { first } = await founded(stores, 5)
  await settled((done) => first.log.distrust('entry 3 is gone', done))
  await closed(first)
  for (let i = 0; i < 2; i++) assert.throws(() => stores.open(), DistrustedLogError)
})

test('MemoryStores: a state that was left half way by a batch that threw is never opened again', async () => {
  const failing = new Language(
    1,
    LANGUAGE.operations.map((definition) => {
      if (definition.type !== 'delete') return definition
      const apply = (): never => {
        throw new TypeError('a mistake of the program')
      }
      return { ...definition, apply }
    }),
    LANGUAGE.conditions,
  )
  const stores = new MemoryStores(later)
  const first = stores.open(failing)
  const writer = new LogWriter()
  await take(first, [writer.set('a', '1')])
  const half = [writer.set('a', '2'), writer.command({ type: 'batch', operations: [{ type: 'delete', key: Buffer.from('a') }] })]
  await assert.rejects(take(first, half), /a mistake of the program/)
  await closed(first)
  for (let i = 0; i < 2; i++) {
    assert.throws(() => stores.open(failing), { code: 'CORRUPT', message: /applying what follows entry 1 failed half way/ })
  }
})

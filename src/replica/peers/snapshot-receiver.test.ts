import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_SNAPSHOT_FILE_SIZE } from '../../limits.ts'
import { silentLogger, StoreRefusal } from '../../ports/index.ts'
import type { StoredSnapshot } from '../../ports/index.ts'
import type { NodeId } from '../../raft/index.ts'
import type { PeerMessage } from '../../wire/index.ts'
import { handContext, handLoop } from '../hand-context.test.ts'
import { HandSnapshots, storedSnapshot } from '../hand-driven-stores.test.ts'
import { SnapshotReceiver } from './snapshot-receiver.ts'

const SNAPSHOT = storedSnapshot(50, 2, 30)
const OTHER = storedSnapshot(60, 2, 30)

/** A receiver over a store whose writes the test completes. */
class Bench {
  readonly snapshots = new HandSnapshots()
  readonly reports: string[] = []
  readonly events: string[] = []
  readonly #context = handContext({
    loop: handLoop((error) => this.events.push(`failed: ${error.message}`)),
    raft: { id: 1 },
    logger: { ...silentLogger, log: (_level, _message, facts) => this.events.push(`rejected: ${String(facts?.['reason'])}`) },
  })
  readonly receiver = new SnapshotReceiver(this.#context, this.snapshots, this, this)

  send(to: NodeId, progress: PeerMessage): boolean {
    assert.ok(progress.type === 'snapshot-progress')
    assert.equal(progress.from, 1)
    this.reports.push(`${to} term ${progress.term}: ${progress.received} of ${Number(progress.id.slice(0, 16))}`)
    return true
  }

  arrived(from: NodeId, term: number, snapshot: StoredSnapshot): void {
    this.events.push(`arrived ${snapshot.last.index} from ${from} in ${term}`)
  }

  chunk(position: number, length: number, snapshot: StoredSnapshot = SNAPSHOT, from = 2): void {
    this.receiver.receive({ type: 'snapshot-chunk', from, term: 3, snapshot, position, bytes: new Uint8Array(length) })
  }

  settle(): void {
    while (this.snapshots.pending > 0) this.snapshots.next()
  }

  news(): string[] {
    return this.reports.splice(0)
  }
}

describe('SnapshotReceiver', () => {
  test('receive: says where it stands, writes what follows, and announces the whole', () => {
    const bench = new Bench()
    bench.chunk(0, 0)
    assert.deepEqual(bench.news(), ['2 term 3: 0 of 50'])
    bench.chunk(0, 10)
    assert.deepEqual(bench.news(), [], 'it reports what is written, not what came')
    bench.settle()
    bench.chunk(10, 20)
    bench.settle()
    assert.deepEqual(bench.news(), ['2 term 3: 10 of 50', '2 term 3: 30 of 50'])
    assert.deepEqual(bench.events, ['arrived 50 from 2 in 3'])
    assert.deepEqual(bench.snapshots.calls, ['receive 50', 'write 0+10', 'write 10+20', 'finish 50'])
  })

  test('receive: resumes a transfer that was cut off', () => {
    const bench = new Bench()
    bench.snapshots.held = 20
    bench.chunk(0, 0)
    bench.chunk(20, 10)
    bench.settle()
    assert.deepEqual(bench.news(), ['2 term 3: 20 of 50', '2 term 3: 30 of 50'])
    assert.deepEqual(bench.events, ['arrived 50 from 2 in 3'])
  })

  test('receive: announces at once a snapshot that is here already', () => {
    const bench = new Bench()
    bench.snapshots.held = 30
    bench.chunk(0, 0)
    bench.settle()
    assert.deepEqual([bench.events, bench.snapshots.calls], [['arrived 50 from 2 in 3'], ['receive 50', 'finish 50']])
  })

  test('receive: chunks that come while one is written wait, in order', () => {
    const bench = new Bench()
    bench.chunk(0, 10)
    bench.chunk(10, 10)
    bench.chunk(20, 10)
    assert.equal(bench.snapshots.pending, 1)
    bench.settle()
    assert.deepEqual(bench.news(), ['2 term 3: 10 of 50', '2 term 3: 20 of 50', '2 term 3: 30 of 50'])
    assert.deepEqual(bench.events, ['arrived 50 from 2 in 3'])
  })

  test('receive: a bounded number of chunks waits, and a dropped one is sent again', () => {
    const bench = new Bench()
    const snapshot = storedSnapshot(50, 2, 100)
    for (let i = 0; i < 10; i++) bench.chunk(i * 10, 10, snapshot)
    bench.settle()
    assert.equal(bench.news().at(-1), '2 term 3: 90 of 50')
    bench.chunk(90, 10, snapshot)
    bench.settle()
    assert.deepEqual(bench.events, ['arrived 50 from 2 in 3'])
  })

  test('receive: a chunk for another position is not written, and answered with where it stands', () => {
    const bench = new Bench()
    bench.chunk(0, 10)
    bench.settle()
    bench.chunk(20, 10)
    bench.chunk(0, 10)
    bench.settle()
    assert.deepEqual(bench.news(), ['2 term 3: 10 of 50', '2 term 3: 10 of 50', '2 term 3: 10 of 50'])
    assert.equal(bench.snapshots.calls.filter((call) => call.startsWith('write')).length, 1)
  })

  test('receive: another snapshot takes over, once the chunk that is being written is', () => {
    const bench = new Bench()
    bench.chunk(0, 10)
    bench.chunk(10, 10)
    bench.chunk(0, 10, OTHER, 3)
    bench.settle()
    assert.deepEqual(bench.news(), ['2 term 3: 10 of 50', '3 term 3: 10 of 60'])
    bench.chunk(10, 20, OTHER, 3)
    bench.settle()
    assert.deepEqual(bench.events, ['arrived 60 from 3 in 3'])
    assert.deepEqual(bench.snapshots.calls, ['receive 50', 'write 0+10', 'receive 60', 'write 0+10', 'write 10+20', 'finish 60'])
  })

  test('receive: another snapshot that comes while one is being finished follows it', () => {
    for (const problem of [undefined, new StoreRefusal('digest mismatch')]) {
      const bench = new Bench()
      bench.chunk(0, 30)
      bench.snapshots.next()
      bench.chunk(0, 0, OTHER, 3)
      bench.news()
      bench.snapshots.problem = problem
      bench.snapshots.next()
      assert.deepEqual(bench.events, [problem === undefined ? 'arrived 50 from 2 in 3' : 'rejected: digest mismatch'])
      assert.deepEqual(bench.news(), ['3 term 3: 0 of 60'])
    }
  })

  test('receive: a digest that does not match throws the snapshot away, and it may come again', () => {
    const bench = new Bench()
    bench.chunk(0, 30)
    bench.snapshots.next()
    bench.snapshots.problem = new StoreRefusal('digest mismatch')
    bench.settle()
    assert.deepEqual(bench.events, ['rejected: digest mismatch'])
    bench.snapshots.problem = undefined
    bench.chunk(0, 30)
    bench.settle()
    assert.deepEqual(bench.events, ['rejected: digest mismatch', 'arrived 50 from 2 in 3'])
  })

  test('receive: a disk that fails is reported as such, and nothing is acknowledged', () => {
    for (const length of [10, 30]) {
      const bench = new Bench()
      bench.chunk(0, length)
      bench.chunk(10, 10)
      if (length === 30) bench.snapshots.next()
      bench.news()
      bench.snapshots.problem = new Error('EIO')
      bench.settle()
      assert.deepEqual([bench.events, bench.news()], [['failed: EIO'], []])
    }
  })

  test('receive: a snapshot that the store will not have is rejected, and another one can come', () => {
    const bench = new Bench()
    bench.chunk(0, 0, { ...SNAPSHOT, id: '' })
    bench.chunk(0, 0, storedSnapshot(50, 2, MAX_SNAPSHOT_FILE_SIZE + 1))
    assert.equal(bench.events.length, 2)
    assert.ok(bench.events.every((event) => event.startsWith('rejected')))
    assert.deepEqual([bench.news(), bench.snapshots.calls], [[], ['receive ' + SNAPSHOT.last.index]])
    bench.chunk(0, 30)
    bench.settle()
    assert.equal(bench.events.at(-1), 'arrived 50 from 2 in 3')
  })
})

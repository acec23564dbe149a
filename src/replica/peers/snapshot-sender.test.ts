import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { silentLogger } from '../../ports/index.ts'
import type { Timer } from '../../ports/index.ts'
import type { NodeId } from '../../raft/index.ts'
import type { PeerMessage } from '../../wire/index.ts'
import { READ_TIMEOUT_MS, SNAPSHOT_CHUNK_SIZE } from '../../limits.ts'
import { handContext, handLoop } from '../hand-context.test.ts'
import { HandSnapshots, storedSnapshot } from '../hand-driven-stores.test.ts'
import { SnapshotSender } from './snapshot-sender.ts'

const C = SNAPSHOT_CHUNK_SIZE
const SNAPSHOT = storedSnapshot(50, 2, 6 * C + 10)

/** A sender whose link and disk the test drives; `sent` holds positions and lengths. */
class Bench {
  now = 0
  linked = true
  readonly snapshots = new HandSnapshots(SNAPSHOT)
  timers: { readonly at: number; readonly run: () => void }[] = []
  readonly sent: string[] = []
  readonly events: string[] = []
  readonly #context = handContext({
    loop: handLoop(assert.fail),
    raft: { id: 1 },
    clock: { now: () => this.now, setTimer: (delayMs, run) => this.#setTimer(delayMs, run) },
    logger: {
      ...silentLogger,
      log: (_level, _message, facts) => this.events.push(`unreadable ${String(facts?.['peer'])} ${String(facts?.['reason'])}`),
    },
  })
  readonly sender = new SnapshotSender(this.#context, this.snapshots, this, this)

  #setTimer(delayMs: number, run: () => void): Timer {
    const timer = { at: this.now + delayMs, run }
    this.timers.push(timer)
    return { cancel: () => void (this.timers = this.timers.filter((other) => other !== timer)) }
  }

  send(to: NodeId, chunk: PeerMessage): boolean {
    assert.ok(chunk.type === 'snapshot-chunk')
    assert.deepEqual([chunk.from, chunk.term, chunk.snapshot], [1, 3, SNAPSHOT])
    if (this.linked) this.sent.push(`${to}: ${chunk.position}+${chunk.bytes.length}`)
    return this.linked
  }

  sendingEnded(to: NodeId): void {
    this.events.push(`ended ${to}`)
  }

  start(to = 2): void {
    this.sender.start(to, 3, SNAPSHOT)
  }

  report(received: number, from = 2, parts: { id?: string; term?: number } = {}): void {
    this.sender.progressed({ type: 'snapshot-progress', from, term: 3, id: SNAPSHOT.id, received, ...parts })
  }

  /** Completes every read there is, and those that follow, however long the pace makes them wait. */
  readAll(): void {
    while (this.snapshots.pending > 0 || this.timers.length > 0) {
      if (this.snapshots.pending > 0) this.snapshots.next()
      else this.expireTimer()
    }
  }

  expireTimer(): void {
    const [timer, ...rest] = this.timers.toSorted((a, b) => a.at - b.at)
    assert.ok(timer !== undefined)
    this.timers = rest
    this.now = Math.max(this.now, timer.at)
    timer.run()
  }

  news(): string[] {
    return this.sent.splice(0)
  }
}

describe('SnapshotSender', () => {
  test('start: asks where to resume, and sends nothing else before the answer', () => {
    const bench = new Bench()
    bench.start()
    assert.deepEqual([bench.news(), bench.snapshots.calls], [['2: 0+0'], []])
    assert.deepEqual([bench.sender.busy, bench.sender.has(2), bench.sender.has(3), bench.sender.started], [true, true, false, 1])
  })

  test('progressed: keeps a window of chunks under way, and moves it with each report', () => {
    const bench = new Bench()
    bench.start()
    bench.news()
    bench.report(0)
    bench.readAll()
    assert.deepEqual(
      bench.news(),
      [0, 1, 2, 3].map((i) => `2: ${i * C}+${C}`),
    )
    bench.report(C)
    bench.readAll()
    assert.deepEqual(bench.news(), [`2: ${4 * C}+${C}`])
    bench.report(3 * C)
    bench.readAll()
    assert.deepEqual(bench.news(), [`2: ${5 * C}+${C}`, `2: ${6 * C}+10`])
    bench.report(6 * C)
    bench.readAll()
    assert.deepEqual(bench.news(), [], 'there is no more')
    assert.deepEqual(bench.events, [])
  })

  test('progressed: resumes where the peer stands', () => {
    const bench = new Bench()
    bench.start()
    bench.report(5 * C)
    bench.readAll()
    assert.deepEqual(bench.news().slice(1), [`2: ${5 * C}+${C}`, `2: ${6 * C}+10`])
  })

  test('progressed: goes back to where the peer stands when a chunk was lost', () => {
    const bench = new Bench()
    bench.start()
    bench.report(0)
    bench.readAll()
    bench.report(C)
    bench.readAll()
    bench.news()
    bench.report(C)
    bench.readAll()
    assert.deepEqual(
      bench.news(),
      [1, 2, 3, 4].map((i) => `2: ${i * C}+${C}`),
    )
  })

  test('progressed: bytes read for a position it has left are not sent', () => {
    const bench = new Bench()
    bench.start()
    bench.report(2 * C)
    bench.snapshots.next()
    bench.expireTimer()
    bench.news()
    // The chunk at 3C is being read when the peer says that it stands at 2C still.
    bench.report(2 * C)
    bench.snapshots.next()
    assert.deepEqual(bench.news(), [])
    bench.readAll()
    assert.deepEqual(
      bench.news(),
      [2, 3, 4, 5].map((i) => `2: ${i * C}+${C}`),
    )
  })

  test('progressed: a snapshot leaves at 32 MB a second, so that the leader has time for its callers', () => {
    const bench = new Bench()
    bench.start()
    const from = bench.now
    for (let received = 0; received <= 6 * C; received += C) {
      bench.report(received)
      bench.readAll()
    }
    const expectedMs = (6 * C) / ((32 * 1024 * 1024) / 1000)
    assert.ok(Math.abs(bench.now - from - expectedMs) < 1, `${6 * C} bytes in ${bench.now - from} ms`)
  })

  test('linkClosed, stop: nothing is timed for a transfer that is over', () => {
    const bench = new Bench()
    bench.start(2)
    bench.start(3)
    bench.report(0, 2)
    bench.report(0, 3)
    bench.snapshots.next()
    bench.snapshots.next()
    assert.equal(bench.timers.length, 2)
    bench.sender.linkClosed(2)
    assert.equal(bench.timers.length, 1)
    bench.sender.stop()
    assert.equal(bench.timers.length, 0)
  })

  test('progressed: reports of another transfer, or past the end, change nothing', () => {
    const bench = new Bench()
    bench.start()
    bench.report(0, 3)
    bench.report(0, 2, { id: storedSnapshot(49).id })
    bench.report(0, 2, { term: 2 })
    bench.report(SNAPSHOT.sizeBytes + 1)
    assert.deepEqual(bench.snapshots.calls, [])
    bench.report(SNAPSHOT.sizeBytes)
    assert.deepEqual([bench.snapshots.calls, bench.sender.has(2)], [[], true])
    bench.now = READ_TIMEOUT_MS
    bench.report(SNAPSHOT.sizeBytes + 1)
    bench.sender.expire(READ_TIMEOUT_MS + 1)
    assert.equal(bench.sender.has(2), false, 'nonsense is no progress')
  })

  test('acknowledged: ends the transfer once the log of the peer has reached the snapshot', () => {
    const bench = new Bench()
    bench.start()
    bench.sender.acknowledged(2, 49)
    bench.sender.acknowledged(3, 50)
    assert.equal(bench.sender.has(2), true)
    bench.sender.acknowledged(2, 50)
    assert.equal(bench.sender.has(2), false)
    bench.sender.acknowledged(2, 51)
    assert.deepEqual([bench.sender.has(2), bench.sender.busy, bench.events], [false, false, ['ended 2']])
  })

  test('linkClosed: ends the transfer to that peer, and what was being read is not sent', () => {
    const bench = new Bench()
    bench.start(2)
    bench.start(3)
    bench.report(0)
    bench.news()
    bench.sender.linkClosed(2)
    bench.sender.linkClosed(2)
    bench.readAll()
    assert.deepEqual([bench.events, bench.news(), bench.sender.has(3)], [['ended 2'], [], true])
  })

  test('send: a link that takes nothing ends the transfer', () => {
    const bench = new Bench()
    bench.linked = false
    bench.start()
    assert.deepEqual([bench.events, bench.sender.busy], [['ended 2'], false])
    bench.linked = true
    bench.start()
    bench.report(0)
    bench.linked = false
    bench.readAll()
    assert.deepEqual([bench.events, bench.snapshots.calls.length], [['ended 2', 'ended 2'], 1])
  })

  test('expire: ends a transfer without progress, counted from the last report', () => {
    const bench = new Bench()
    bench.start()
    bench.now = READ_TIMEOUT_MS
    bench.report(0)
    bench.sender.expire(2 * READ_TIMEOUT_MS)
    assert.equal(bench.sender.has(2), true)
    bench.sender.expire(2 * READ_TIMEOUT_MS + 1)
    assert.deepEqual([bench.sender.has(2), bench.events], [false, ['ended 2']])
  })

  test('progressed: a snapshot that cannot be read any more ends the transfer', () => {
    const bench = new Bench()
    bench.start()
    bench.report(0)
    bench.snapshots.failReads(new Error('gone'))
    bench.readAll()
    assert.deepEqual([bench.events, bench.sender.busy], [['unreadable 2 gone', 'ended 2'], false])
  })

  test('stop: forgets all transfers without a word, and what was being read with them', () => {
    const bench = new Bench()
    bench.start(2)
    bench.report(0)
    bench.news()
    bench.sender.stop()
    bench.start(2)
    bench.readAll()
    assert.deepEqual([bench.events, bench.news()], [[], ['2: 0+0']])
    assert.equal(bench.sender.started, 2)
  })
})

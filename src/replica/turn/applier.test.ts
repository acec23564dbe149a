import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  MAX_APPEND_BYTES,
  MAX_BATCH_SIZE,
  MAX_STATE_BUSY_RETRY_MS,
  STATE_BUSY_RETRY_MS,
  STATE_BUSY_WARNING_MS,
  STATE_FLUSH_DELAY_MS,
} from '../../limits.ts'
import type { AppliedBatch, Timer } from '../../ports/index.ts'
import type { Entry } from '../../raft/index.ts'
import { Applier } from './applier.ts'
import { EntryCache } from './entry-cache.ts'
import { handContext, handLoop } from '../hand-context.test.ts'
import { EMPTY_LOG, entries, HandLog, HandQueue, HandState } from '../hand-driven-stores.test.ts'

/** An applier over a log of `last` entries, of which the cache holds those from `cachedFrom` on. */
class Bench {
  readonly turns = new HandQueue()
  readonly timers: (() => void)[] = []
  /** Timers that try a held state again, and how long each was to wait. */
  readonly retries: (() => void)[] = []
  readonly delays: number[] = []
  readonly logged: string[] = []
  now = 0
  readonly state = new HandState()
  readonly log: HandLog
  readonly batches: string[] = []
  readonly failures: string[] = []
  readonly applier: Applier

  constructor(last: number, cachedFrom: number, size = 1) {
    const all = entries(1, last, 1, size)
    this.log = new HandLog(EMPTY_LOG, all)
    const cache = new EntryCache(cachedFrom - 1, Number.MAX_SAFE_INTEGER)
    for (const one of all.slice(cachedFrom - 1)) cache.put(one)
    const context = handContext({
      loop: { ...handLoop((error) => this.failures.push(error.message)), defer: this.turns.defer },
      clock: { setTimer: (delayMs, run) => this.#setTimer(delayMs, run), now: () => this.now },
      logger: { log: (level, message) => this.logged.push(`${level} ${message}`) },
    })
    this.applier = new Applier(context, { log: this.log, stateMachine: this.state }, cache, this)
  }

  #setTimer(delayMs: number, run: () => void): Timer {
    const timers = delayMs === STATE_FLUSH_DELAY_MS ? this.timers : this.retries
    if (timers === this.retries) this.delays.push(delayMs)
    timers.push(run)
    return { cancel: () => void (timers.includes(run) && timers.splice(timers.indexOf(run), 1)) }
  }

  /** The next retry is due. */
  retry(): void {
    this.now += this.delays.at(-1) ?? 0
    this.retries.shift()?.()
    this.turns.drain()
  }

  get batchSizes(): number[] {
    return this.state.batches.map((batch) => batch.length)
  }

  applied(batch: readonly Entry[], { results }: AppliedBatch): void {
    assert.deepEqual(
      results,
      batch.map(({ index, term }) => ({ logId: { term, index } })),
      'each entry comes with its own result',
    )
    assert.equal(this.applier.appliedIndex, batch.at(-1)?.index, 'what is reported is in the state')
    this.batches.push(`${batch[0]?.index}-${batch.at(-1)?.index}`)
  }
}

describe('Applier', () => {
  test('enqueue: applies what is cached in a turn of its own, and reports it', () => {
    const bench = new Bench(5, 1)
    assert.equal(bench.applier.idle, true)
    bench.applier.enqueue(1, 3)
    assert.deepEqual([bench.batches, bench.applier.idle], [[], false], 'what the turn at hand sends and writes goes first')
    bench.turns.drain()
    assert.deepEqual(bench.batches, ['1-3'])
    assert.deepEqual([bench.applier.appliedIndex, bench.applier.idle], [3, true])
    bench.applier.enqueue(4, 5)
    bench.turns.drain()
    assert.deepEqual(bench.batches, ['1-3', '4-5'])
    assert.deepEqual(bench.log.calls, [])
  })

  test('enqueue: refuses a gap and a repetition', () => {
    for (const first of [5, 3]) {
      const bench = new Bench(9, 1)
      bench.applier.enqueue(1, 3)
      assert.throws(() => bench.applier.enqueue(first, 9), { name: 'AssertionError' })
    }
  })

  test('enqueue: applies a batch a turn, bounded by count', () => {
    const bench = new Bench(2 * MAX_BATCH_SIZE + 1, 1)
    bench.applier.enqueue(1, 2 * MAX_BATCH_SIZE)
    bench.turns.next()
    assert.deepEqual(bench.batchSizes, [MAX_BATCH_SIZE])
    assert.equal(bench.applier.idle, false)
    bench.applier.enqueue(2 * MAX_BATCH_SIZE + 1, 2 * MAX_BATCH_SIZE + 1)
    assert.equal(bench.turns.length, 1, 'it runs already')
    bench.turns.drain()
    assert.deepEqual(bench.batchSizes, [MAX_BATCH_SIZE, MAX_BATCH_SIZE, 1])
    assert.equal(bench.applier.idle, true)
  })

  test('enqueue: bounds a batch by bytes', () => {
    const bench = new Bench(7, 1, MAX_APPEND_BYTES / 2)
    bench.applier.enqueue(1, 7)
    bench.turns.drain()
    assert.deepEqual(bench.batchSizes, [2, 2, 2, 1])
  })

  test('enqueue: reads from the log what the cache lacks, then goes on from the cache', () => {
    const bench = new Bench(6, 4)
    bench.applier.enqueue(1, 6)
    bench.turns.next()
    assert.deepEqual([bench.log.calls, bench.batches], [['read 1-6'], []])
    bench.log.finishRead()
    assert.deepEqual(bench.batches, ['1-6'])

    const small = new Bench(6, 4, MAX_APPEND_BYTES / 2)
    small.applier.enqueue(1, 6)
    small.turns.next()
    small.log.finishRead()
    assert.deepEqual(small.batches, ['1-2'])
    small.turns.next()
    small.log.finishRead()
    small.turns.drain()
    assert.deepEqual(small.batches, ['1-2', '3-4', '5-6'])
    assert.deepEqual(small.log.calls, ['read 1-6', 'read 3-6'])
  })

  test('enqueue: reads no more than a batch from the log', () => {
    const last = MAX_BATCH_SIZE + 5
    const bench = new Bench(last, last + 1)
    bench.applier.enqueue(1, last)
    bench.turns.next()
    bench.log.finishRead()
    bench.turns.next()
    bench.log.finishRead()
    assert.deepEqual(bench.log.calls, [`read 1-${MAX_BATCH_SIZE}`, `read ${MAX_BATCH_SIZE + 1}-${last}`])
    assert.equal(bench.applier.appliedIndex, last)
  })

  test('enqueue: reads once while a read is under way', () => {
    const bench = new Bench(6, 7)
    bench.applier.enqueue(1, 2)
    bench.turns.next()
    bench.applier.enqueue(3, 6)
    assert.deepEqual([bench.log.calls, bench.turns.length], [['read 1-2'], 0])
    bench.log.finishRead()
    bench.turns.next()
    bench.log.finishRead()
    assert.deepEqual(bench.batches, ['1-2', '3-6'])
  })

  test('enqueue: a read that fails is reported, and nothing more is applied', () => {
    const bench = new Bench(6, 7)
    bench.applier.enqueue(1, 2)
    bench.turns.next()
    bench.log.finishRead(new Error('EIO'))
    bench.applier.enqueue(3, 6)
    assert.deepEqual([bench.failures, bench.batches, bench.log.calls.length, bench.turns.length], [['EIO'], [], 1, 0])
  })

  test('enqueue: has the state flushed a while after, once for all batches meanwhile', () => {
    const bench = new Bench(5, 1)
    assert.equal(bench.timers.length, 0)
    for (const index of [1, 2, 3]) {
      bench.applier.enqueue(index, index)
      bench.turns.drain()
    }
    assert.deepEqual([bench.timers.length, bench.state.flushes], [1, 0])
    bench.timers.shift()?.()
    assert.equal(bench.state.flushes, 1)
    bench.applier.enqueue(4, 5)
    bench.turns.drain()
    bench.timers.shift()?.()
    assert.equal(bench.state.flushes, 2)
  })

  test('enqueue: a state that another process holds is tried again by a timer, for as long as it takes, and the log says so once', () => {
    const bench = new Bench(6, 1)
    bench.state.held = true
    bench.applier.enqueue(1, 2)
    bench.turns.drain()
    assert.deepEqual([bench.retries.length, bench.batches, bench.applier.idle], [1, [], false])
    bench.applier.enqueue(3, 6)
    assert.equal(bench.turns.length, 0, 'what comes meanwhile waits for the same timer')
    while (bench.now < STATE_BUSY_WARNING_MS - MAX_STATE_BUSY_RETRY_MS) bench.retry()
    assert.deepEqual(bench.logged, [])
    for (let i = 0; i < 100; i++) bench.retry()
    assert.deepEqual([bench.logged.length, bench.retries.length, bench.failures], [1, 1, []])
    assert.match(String(bench.logged), /^warn the state is held by another process/)
    assert.deepEqual([bench.delays[0], Math.max(...bench.delays)], [STATE_BUSY_RETRY_MS, MAX_STATE_BUSY_RETRY_MS])
    bench.state.held = false
    bench.retry()
    assert.deepEqual([bench.batches, bench.retries.length, bench.applier.idle], [['1-6'], 0, true])
    assert.equal(bench.logged.length, 2)
    bench.state.held = true
    const { length } = bench.delays
    bench.applier.halt()
    bench.state.jump({ term: 1, index: 4 })
    bench.applier.restored(4)
    bench.applier.enqueue(5, 6)
    bench.turns.drain()
    assert.deepEqual(bench.delays.slice(length), [STATE_BUSY_RETRY_MS], 'the next time begins anew')
  })

  test('halt, close: a held state is not tried again', () => {
    for (const end of ['halt', 'close'] as const) {
      const bench = new Bench(2, 1)
      bench.state.held = true
      bench.applier.enqueue(1, 2)
      bench.turns.drain()
      bench.applier[end]()
      assert.deepEqual([bench.retries.length, bench.batches], [0, []])
    }
  })

  test('close: plans no flush any more, and keeps nobody waiting for one', () => {
    const bench = new Bench(1, 1)
    bench.applier.enqueue(1, 1)
    bench.turns.drain()
    bench.applier.close()
    assert.deepEqual([bench.timers.length, bench.state.flushes], [0, 0])
    bench.applier.close()
  })

  test('halt: what was deferred is not applied; after restored it goes on behind the snapshot', () => {
    const bench = new Bench(2 * MAX_BATCH_SIZE + 5, 1)
    bench.applier.enqueue(1, 2 * MAX_BATCH_SIZE)
    bench.turns.next()
    bench.applier.halt()
    assert.equal(bench.applier.idle, true)
    bench.turns.drain()
    assert.deepEqual(bench.batchSizes, [MAX_BATCH_SIZE])
    bench.state.jump({ term: 1, index: 2 * MAX_BATCH_SIZE + 2 })
    bench.applier.restored(2 * MAX_BATCH_SIZE + 2)
    assert.equal(bench.applier.appliedIndex, 2 * MAX_BATCH_SIZE + 2)
    bench.applier.enqueue(2 * MAX_BATCH_SIZE + 3, 2 * MAX_BATCH_SIZE + 5)
    bench.turns.drain()
    assert.equal(bench.batches.at(-1), `${2 * MAX_BATCH_SIZE + 3}-${2 * MAX_BATCH_SIZE + 5}`)
  })

  test('halt: a turn deferred before it does nothing, also when there is work again', () => {
    const start = 3 * MAX_BATCH_SIZE
    const bench = new Bench(start + 2 * MAX_BATCH_SIZE, 1)
    bench.applier.enqueue(1, 2 * MAX_BATCH_SIZE)
    bench.applier.halt()
    bench.state.jump({ term: 1, index: start })
    bench.applier.restored(start)
    bench.applier.enqueue(start + 1, start + 2 * MAX_BATCH_SIZE)
    bench.turns.next()
    assert.equal(bench.applier.appliedIndex, start, 'this turn was that of the state before')
    bench.turns.next()
    assert.equal(bench.applier.appliedIndex, start + MAX_BATCH_SIZE)
    bench.turns.next()
    assert.equal(bench.applier.appliedIndex, start + 2 * MAX_BATCH_SIZE)
    assert.equal(bench.turns.length, 0)
  })

  test('halt: what was being read for the state before is dropped, also when it comes after restored', () => {
    for (const failure of [undefined, new Error('EIO')]) {
      const bench = new Bench(20, 12)
      bench.applier.enqueue(1, 5)
      bench.turns.next()
      bench.applier.halt()
      bench.state.jump({ term: 1, index: 10 })
      bench.applier.restored(10)
      bench.applier.enqueue(11, 12)
      bench.turns.next()
      bench.log.finishRead(failure)
      assert.deepEqual([bench.batches, bench.failures], [[], []])
      bench.log.finishRead()
      assert.deepEqual(bench.batches, ['11-12'])
    }
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AspenError } from '../api/index.ts'
import { StoreRefusal } from '../ports/index.ts'
import { CHECKPOINT_INTERVAL_BYTES, LOG_RETAINED_BYTES, MAX_LOG_HELD_BYTES, MAX_LOG_HELD_ENTRIES } from '../limits.ts'
import type { StoredSnapshot } from '../ports/index.ts'
import { Compactor } from './compactor.ts'
import { Answers, HandState, storedSnapshot } from './hand-driven-stores.test.ts'

const INTERVAL = 100
const RETAINED = 30

/** A compactor whose state machine the test completes. */
class Bench {
  applied: number
  purgedIndex = 0
  heldIndex = Number.POSITIVE_INFINITY
  entryBytes = 1
  readonly state = new HandState()
  readonly events: string[] = []
  readonly answers = new Answers<StoredSnapshot>()
  readonly compactor: Compactor

  constructor(applied = 0, nodeId = 0) {
    this.applied = applied
    this.compactor = new Compactor({
      nodeId,
      stateMachine: this.state,
      retainedEntries: RETAINED,
      checkpointIntervalEntries: INTERVAL,
      clusterId: () => 'c1',
      applied: () => this.applied,
      purgedIndex: () => this.purgedIndex,
      positionBefore: (index, maxEntries, maxBytes) =>
        Math.max(this.purgedIndex, index - Math.min(maxEntries, Math.floor(maxBytes / this.entryBytes))),
      heldIndex: () => this.heldIndex,
      purge: (index) => this.events.push(`purge ${index}`),
      failed: (error) => this.events.push(`failed ${error.message}`),
    })
  }

  applyTo(index: number, bytes = 0): void {
    this.applied = index
    this.compactor.applied(bytes)
  }

  get pending(): string[] {
    return this.state.pending.map(({ call }) => call)
  }

  /** Ends the oldest operation of the state machine. */
  finish(error?: Error, snapshot?: StoredSnapshot): void {
    const operation = this.state.pending.shift()
    assert.ok(operation !== undefined)
    if (operation.call === 'checkpoint' && error === undefined) this.state.durable = this.applied
    operation.done(error, snapshot)
  }
}

describe('Compactor: checkpoints', () => {
  test('applied: makes a checkpoint each interval, at the same entries whenever it started', () => {
    const bench = new Bench(50)
    bench.applyTo(99)
    assert.deepEqual(bench.pending, [])
    bench.applyTo(100)
    assert.deepEqual(bench.pending, ['checkpoint'])
    bench.finish()
    bench.applyTo(199)
    assert.deepEqual(bench.pending, [])
    bench.applyTo(210)
    assert.deepEqual(bench.pending, ['checkpoint'])
  })

  test('applied: nodes that apply the same entries make their checkpoints at different ones, so that a quorum has a quiet disk', () => {
    const turns = [1, 2, 3, 4, 5].map((nodeId) => {
      const bench = new Bench(0, nodeId)
      for (let index = 1; bench.pending.length === 0; index++) bench.applyTo(index)
      return bench.applied
    })
    const sorted = turns.toSorted((a, b) => a - b)
    const apart = sorted.map((turn, i) =>
      i === 0 ? turn + INTERVAL - (sorted.at(-1) as number) : turn - (sorted[i - 1] as number),
    )
    assert.ok(Math.min(...apart) >= INTERVAL / 10, `turns at ${sorted.join(', ')}`)
  })

  test('applied: makes a checkpoint early when the entries are large', () => {
    const bench = new Bench()
    bench.applyTo(10, CHECKPOINT_INTERVAL_BYTES - 1)
    assert.deepEqual(bench.pending, [])
    bench.applyTo(11, 1)
    assert.deepEqual(bench.pending, ['checkpoint'])
    bench.finish()
    bench.applyTo(12, CHECKPOINT_INTERVAL_BYTES - 1)
    assert.deepEqual(bench.pending, [])
  })

  test('applied: makes one checkpoint at a time', () => {
    const bench = new Bench()
    bench.applyTo(100)
    bench.applyTo(300)
    assert.deepEqual(bench.pending, ['checkpoint'])
    bench.finish()
    bench.applyTo(301)
    assert.deepEqual(bench.pending, ['checkpoint'])
  })

  test('applied: purges behind what is durable, less what is retained', () => {
    const bench = new Bench()
    bench.applyTo(100)
    assert.deepEqual(bench.events, [], 'not before the checkpoint is complete')
    bench.finish()
    assert.deepEqual(bench.events, ['purge 70'])
  })

  test('applied: never purges past what is durable', () => {
    const bench = new Bench()
    bench.applyTo(100)
    const operation = bench.state.pending.shift()
    bench.applied = 500
    bench.state.durable = 100
    operation?.done()
    assert.deepEqual(bench.events, ['purge 100'])
  })

  test('applied: purges by bytes where the entries are large, whatever their number', () => {
    const bench = new Bench()
    bench.entryBytes = LOG_RETAINED_BYTES / 5
    bench.applyTo(100)
    bench.finish()
    assert.deepEqual(bench.events, ['purge 95'])
  })

  test('applied: keeps what a peer still waits for', () => {
    const bench = new Bench()
    bench.heldIndex = 42
    bench.applyTo(100)
    bench.finish()
    bench.heldIndex = 90
    bench.applyTo(200)
    bench.finish()
    bench.heldIndex = 190
    bench.applyTo(300)
    bench.finish()
    assert.deepEqual(bench.events, ['purge 42', 'purge 90', 'purge 190'])
    const ahead = new Bench()
    ahead.heldIndex = 99
    ahead.applyTo(100)
    ahead.finish()
    assert.deepEqual(ahead.events, ['purge 70'], 'a peer that is near the end asks for no less to be kept')
  })

  test('applied: keeps it within bounds: a peer too slow for them needs another snapshot', () => {
    const bench = new Bench()
    bench.heldIndex = 5
    bench.applyTo(MAX_LOG_HELD_ENTRIES + 100)
    bench.finish()
    assert.deepEqual(bench.events, ['purge 100'])
    const large = new Bench()
    large.heldIndex = 5
    large.entryBytes = MAX_LOG_HELD_BYTES / 60
    large.applyTo(100)
    large.finish()
    assert.deepEqual(large.events, ['purge 40'])
  })

  test('applied: asks for no purge that would drop nothing', () => {
    const bench = new Bench()
    bench.purgedIndex = 70
    bench.applyTo(100)
    bench.finish()
    assert.deepEqual(bench.events, [])
    const young = new Bench()
    young.applyTo(100)
    young.applied = RETAINED
    young.finish()
    assert.deepEqual(young.events, [])
  })

  test('applied: a checkpoint that fails is reported, and nothing is purged', () => {
    const bench = new Bench()
    bench.applyTo(100)
    bench.state.durable = 90
    bench.finish(new Error('EIO'))
    assert.deepEqual(bench.events, ['failed EIO'])
  })
})

describe('Compactor: snapshots', () => {
  test('takeSnapshot: answers with the snapshot, then checkpoints and purges', () => {
    const bench = new Bench(90)
    bench.compactor.takeSnapshot(bench.answers.reply('a'))
    const snapshot = storedSnapshot(90)
    bench.finish(undefined, snapshot)
    assert.deepEqual(bench.answers.outcomes, ['a: ok'])
    assert.equal(bench.answers.values[0], snapshot)
    assert.deepEqual(bench.pending, ['checkpoint'])
    bench.finish()
    assert.deepEqual(bench.events, ['purge 60'])
  })

  test('takeSnapshot: those who ask while one is taken share the next, which may be newer', () => {
    const bench = new Bench(90)
    for (const name of ['a', 'b', 'c']) bench.compactor.takeSnapshot(bench.answers.reply(name))
    assert.deepEqual(bench.pending, ['snapshot'])
    bench.finish(undefined, storedSnapshot(90))
    assert.deepEqual(bench.answers.outcomes, ['a: ok'])
    assert.deepEqual(bench.pending, ['checkpoint', 'snapshot'])
    bench.finish()
    bench.finish(undefined, storedSnapshot(95))
    assert.deepEqual(new Set(bench.answers.outcomes.slice(1)), new Set(['b: ok', 'c: ok']))
    assert.deepEqual(
      bench.answers.values.map((snapshot) => snapshot?.last.index),
      [90, 95, 95],
    )
  })

  test('takeSnapshot: an error is the answer, and the next one is tried', () => {
    const bench = new Bench(90)
    bench.compactor.takeSnapshot(bench.answers.reply('a'))
    bench.compactor.takeSnapshot(bench.answers.reply('b'))
    bench.finish(new StoreRefusal('nothing to hold'))
    assert.deepEqual([bench.answers.outcomes, bench.pending, bench.events], [['a: nothing to hold'], ['snapshot'], []])
    bench.finish(undefined, storedSnapshot(90))
    assert.deepEqual(bench.answers.outcomes, ['a: nothing to hold', 'b: ok'])
  })

  test('takeSnapshot: a disk that fails over it ends the node: no other is taken', () => {
    const bench = new Bench(90)
    for (const name of ['a', 'b']) bench.compactor.takeSnapshot(bench.answers.reply(name))
    bench.finish(new Error('EIO: fsync'))
    assert.deepEqual(bench.answers.outcomes, ['a: EIO: fsync'])
    assert.deepEqual([bench.pending, bench.events], [[], ['failed EIO: fsync']])
  })

  test('takeSnapshot: a full volume is said to whoever asked, and is no fault', () => {
    class Full extends StoreRefusal {
      override get isVolumeFull(): boolean {
        return true
      }
    }
    const bench = new Bench(90)
    const errors: (Error | undefined)[] = []
    bench.compactor.takeSnapshot((error) => errors.push(error))
    bench.finish(new Full('free space'))
    assert.deepEqual(bench.events, [])
    assert.equal((errors[0] as AspenError).code, 'DISK_FULL')
    assert.equal(errors[0]?.message, 'free space')
  })

  test('abandon: answers all who wait, once', () => {
    const bench = new Bench(90)
    for (const name of ['a', 'b', 'c']) bench.compactor.takeSnapshot(bench.answers.reply(name))
    bench.compactor.abandon(new Error('it stopped'))
    assert.deepEqual(bench.answers.outcomes, ['a: it stopped', 'b: it stopped', 'c: it stopped'])
    bench.finish(undefined, storedSnapshot(90))
    assert.equal(bench.answers.outcomes.length, 3)
  })

  test('takeSnapshot: starts no second checkpoint beside one that runs', () => {
    const bench = new Bench()
    bench.applyTo(100)
    bench.compactor.takeSnapshot(bench.answers.reply('a'))
    const [checkpoint, snapshot] = bench.state.pending.splice(0)
    snapshot?.done(undefined, storedSnapshot(100))
    assert.deepEqual(bench.pending, [])
    checkpoint?.done()
  })
})

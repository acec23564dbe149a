import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { StoredSnapshot } from '../ports/index.ts'
import { Compactor } from './compactor.ts'
import { Answers, HandState, storedSnapshot } from './hand-driven-stores.test.ts'

const INTERVAL = 100
const RETAINED = 30

/** A compactor whose state machine the test completes. */
class Bench {
  applied: number
  purgedIndex = 0
  readonly state = new HandState()
  readonly events: string[] = []
  readonly answers = new Answers<StoredSnapshot>()
  readonly compactor: Compactor

  constructor(applied = 0) {
    this.applied = applied
    this.compactor = new Compactor({
      stateMachine: this.state,
      retainedEntries: RETAINED,
      checkpointIntervalEntries: INTERVAL,
      clusterId: () => 'c1',
      applied: () => this.applied,
      purgedIndex: () => this.purgedIndex,
      purge: (index) => this.events.push(`purge ${index}`),
      failed: (error) => this.events.push(`failed ${error.message}`),
    })
  }

  applyTo(index: number): void {
    this.applied = index
    this.compactor.applied()
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
  test('applied: makes a checkpoint each interval, counted from where it started', () => {
    const bench = new Bench(50)
    bench.applyTo(149)
    assert.deepEqual(bench.pending, [])
    bench.applyTo(150)
    assert.deepEqual(bench.pending, ['checkpoint'])
    bench.finish()
    bench.applyTo(249)
    assert.deepEqual(bench.pending, [])
    bench.applyTo(260)
    assert.deepEqual(bench.pending, ['checkpoint'])
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
    bench.finish(new Error('nothing to hold'))
    assert.deepEqual([bench.answers.outcomes, bench.pending, bench.events], [['a: nothing to hold'], ['snapshot'], []])
    bench.finish(undefined, storedSnapshot(90))
    assert.deepEqual(bench.answers.outcomes, ['a: nothing to hold', 'b: ok'])
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

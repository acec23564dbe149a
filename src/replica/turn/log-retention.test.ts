import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AspenError } from '../../api/index.ts'
import { StoreRefusal } from '../../ports/index.ts'
import {
  CHECKPOINT_INTERVAL_BYTES,
  LOG_RETAINED_BYTES,
  MAX_LOG_HELD_BYTES,
  MAX_LOG_HELD_ENTRIES,
  STATE_HELD_WARNING_BYTES,
} from '../../limits.ts'
import type { StoredSnapshot } from '../../ports/index.ts'
import type { LogId } from '../../raft/index.ts'
import { LogRetention } from './log-retention.ts'
import { Snapshots } from './snapshots.ts'
import { handContext, handLoop } from '../hand-context.test.ts'
import { Answers, HandState, storedSnapshot } from '../hand-driven-stores.test.ts'

const INTERVAL = 100
const RETAINED = 30

type Core = 'id' | 'purged' | 'purgedTo' | 'positionBefore' | 'reachedByPeers'

/** What keeps a log short, over a state machine that the test completes. */
class Bench {
  appliedIndex: number
  purgedIndex = 0
  #purging = 0
  promisedIndex = Number.POSITIVE_INFINITY
  entryBytes = 1
  readonly state = new HandState()
  readonly events: string[] = []
  readonly answers = new Answers<StoredSnapshot>()
  readonly snapshots: Snapshots
  readonly #retention: LogRetention
  heldBytes = 0
  /** What of the core the log's keeping looks at. */
  readonly id: number
  readonly reachedByPeers = Number.POSITIVE_INFINITY

  constructor(applied = 0, nodeId = 0) {
    this.id = nodeId
    this.appliedIndex = applied
    const loop = handLoop((error) => this.events.push(`failed ${error.message}`))
    const logger = { log: (level: string, words: string): void => void this.events.push(`${level} ${words}`) }
    const context = handContext<'fail', Core>({ loop, raft: this, logger })
    const settings = { retainedEntries: RETAINED, checkpointIntervalEntries: INTERVAL }
    this.#retention = new LogRetention(context, settings, {
      stateMachine: Object.assign(this.state, { heldBytes: () => this.heldBytes }),
      applier: this,
      persister: this,
      hold: this,
    })
    this.snapshots = new Snapshots(context, this.state)
    this.snapshots.watch(this.#retention)
  }

  get purgedTo(): LogId {
    return { term: 1, index: this.purgedIndex }
  }

  positionBefore(index: number, maxEntries: number, maxBytes: number): number {
    return Math.max(this.purgedIndex, index - Math.min(maxEntries, Math.floor(maxBytes / this.entryBytes)))
  }

  purged(index: number): void {
    this.#purging = index
  }

  requestPurge(index: number): void {
    assert.equal(index, this.#purging, 'the core is told first')
    this.events.push(`purge ${index}`)
  }

  applyTo(index: number, bytes = 0): void {
    this.appliedIndex = index
    this.#retention.applied(bytes)
  }

  get pending(): string[] {
    return this.state.pending.map(({ call }) => call)
  }

  /** Ends the oldest operation of the state machine. */
  finish(error?: Error, snapshot?: StoredSnapshot): void {
    const operation = this.state.pending.shift()
    assert.ok(operation !== undefined)
    if (operation.call === 'checkpoint' && error === undefined) this.state.durable = this.appliedIndex
    operation.done(error, snapshot)
  }
}

describe('LogRetention: checkpoints', () => {
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

  test('applied: a reader that keeps the state from being moved is said once, and that it has ended', () => {
    const bench = new Bench()
    let index = 0
    const checkpointWith = (heldBytes: number): void => {
      bench.heldBytes = heldBytes
      bench.applyTo((index += INTERVAL))
      bench.finish()
    }
    for (const bytes of [STATE_HELD_WARNING_BYTES - 1, STATE_HELD_WARNING_BYTES, 2 * STATE_HELD_WARNING_BYTES])
      checkpointWith(bytes)
    const said = (): string[] => bench.events.filter((event) => /^(warn|info) /.test(event))
    assert.match(said().join(), /^warn the state's write-ahead log grows, because another process reads/)
    assert.equal(said().length, 1)
    checkpointWith(0)
    checkpointWith(0)
    assert.equal(said().length, 2)
    assert.match(said()[1] ?? '', /^info nobody holds/)
    checkpointWith(STATE_HELD_WARNING_BYTES)
    assert.equal(said().length, 3)
  })

  test('applied: nodes that apply the same entries make their checkpoints at different ones, so that a quorum has a quiet disk', () => {
    const turns = [1, 2, 3, 4, 5].map((nodeId) => {
      const bench = new Bench(0, nodeId)
      for (let index = 1; bench.pending.length === 0; index++) bench.applyTo(index)
      return bench.appliedIndex
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
    bench.appliedIndex = 500
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
    bench.promisedIndex = 42
    bench.applyTo(100)
    bench.finish()
    bench.promisedIndex = 90
    bench.applyTo(200)
    bench.finish()
    bench.promisedIndex = 190
    bench.applyTo(300)
    bench.finish()
    assert.deepEqual(bench.events, ['purge 42', 'purge 90', 'purge 190'])
    const ahead = new Bench()
    ahead.promisedIndex = 99
    ahead.applyTo(100)
    ahead.finish()
    assert.deepEqual(ahead.events, ['purge 70'], 'a peer that is near the end asks for no less to be kept')
  })

  test('applied: keeps it within bounds: a peer too slow for them needs another snapshot', () => {
    const bench = new Bench()
    bench.promisedIndex = 5
    bench.applyTo(MAX_LOG_HELD_ENTRIES + 100)
    bench.finish()
    assert.deepEqual(bench.events, ['purge 100'])
    const large = new Bench()
    large.promisedIndex = 5
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
    young.appliedIndex = RETAINED
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

describe('Snapshots', () => {
  test('takeSnapshot: answers with the snapshot, then checkpoints and purges', () => {
    const bench = new Bench(90)
    bench.snapshots.take(bench.answers.reply('a'))
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
    for (const name of ['a', 'b', 'c']) bench.snapshots.take(bench.answers.reply(name))
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
    bench.snapshots.take(bench.answers.reply('a'))
    bench.snapshots.take(bench.answers.reply('b'))
    bench.finish(new StoreRefusal('nothing to hold'))
    assert.deepEqual([bench.answers.outcomes, bench.pending, bench.events], [['a: INTERNAL'], ['snapshot'], []])
    bench.finish(undefined, storedSnapshot(90))
    assert.deepEqual(bench.answers.outcomes, ['a: INTERNAL', 'b: ok'])
  })

  test('takeSnapshot: a disk that fails over it ends the node: no other is taken', () => {
    const bench = new Bench(90)
    for (const name of ['a', 'b']) bench.snapshots.take(bench.answers.reply(name))
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
    bench.snapshots.take((error) => errors.push(error))
    bench.finish(new Full('free space'))
    assert.deepEqual(bench.events, [])
    assert.equal((errors[0] as AspenError).code, 'DISK_FULL')
    assert.equal(errors[0]?.message, 'free space')
  })

  test('abandon: answers all who wait, once', () => {
    const bench = new Bench(90)
    for (const name of ['a', 'b', 'c']) bench.snapshots.take(bench.answers.reply(name))
    bench.snapshots.abandon(new Error('it stopped'))
    assert.deepEqual(bench.answers.outcomes, ['a: it stopped', 'b: it stopped', 'c: it stopped'])
    bench.finish(undefined, storedSnapshot(90))
    assert.equal(bench.answers.outcomes.length, 3)
  })

  test('takeSnapshot: starts no second checkpoint beside one that runs', () => {
    const bench = new Bench()
    bench.applyTo(100)
    bench.snapshots.take(bench.answers.reply('a'))
    const [checkpoint, snapshot] = bench.state.pending.splice(0)
    snapshot?.done(undefined, storedSnapshot(100))
    assert.deepEqual(bench.pending, [])
    checkpoint?.done()
  })

  test('take: a reply that asks for another snapshot is answered too', () => {
    const state = new HandState()
    const answers = new Answers<unknown>()
    const s = new Snapshots(handContext({ loop: handLoop(assert.fail) }), state)
    s.take(() => s.take(answers.reply('again')))
    s.take(answers.reply('queued'))
    for (let i = 0; i < 8; i++) state.pending.shift()?.done(undefined, storedSnapshot(5))
    assert.deepEqual(answers.outcomes.toSorted(), ['again: ok', 'queued: ok'])
  })
})

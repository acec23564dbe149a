import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { MAX_PERSIST_BYTES } from '../../limits.ts'
import { noMetrics } from '../../ports/index.ts'
import type { Done } from '../../ports/index.ts'
import type { Effects, Entry, HardState, Message, Persist, SnapshotMeta } from '../../raft/index.ts'
import { handContext, handLoop } from '../hand-context.test.ts'
import { entries, HandLog, storedSnapshot } from '../hand-driven-stores.test.ts'
import { Persister } from './persister.ts'

/** A message that is told apart by its round. */
const message = (round: number): Message => ({ type: 'heartbeat-response', from: 1, to: 2, term: 1, incarnation: 1, round })

function effects(id: number, parts: { persist?: Persist; restore?: number; messages?: number[] }): Effects {
  return {
    id,
    persist: parts.persist,
    restore: parts.restore === undefined ? undefined : storedSnapshot(parts.restore),
    send: [],
    sendOncePersisted: (parts.messages ?? []).map(message),
    apply: undefined,
    reads: [],
    snapshots: [],
    role: undefined,
  }
}

const append = (first: number, last = first): Persist => ({ append: entries(first, last) })
const largeEntry = (index: number, size: number): Entry => ({ index, term: 1, kind: 'command', payload: new Uint8Array(size) })

/** A persister over a log whose writes the test ends; `events` is what came out, in order. */
class Bench {
  readonly log = new HandLog()
  readonly events: string[] = []
  /** Measurements, by the name of their metric. */
  readonly observed: string[] = []
  /** Term and vote that each restore was to keep. */
  readonly restoredUnder: string[] = []
  time = 0
  #restoring: Done | null = null
  readonly #context = handContext({
    loop: handLoop((error) => this.events.push(`failed ${error.message}`)),
    raft: { term: 1, votedFor: null, persisted: (id) => void this.events.push(`persisted ${id}`) },
    clock: { now: () => this.time },
    metrics: { ...noMetrics, histogram: (name) => ({ observe: (value) => this.observed.push(`${name} ${value}`) }) },
  })
  readonly persister = new Persister(this.#context, this.log, this, this)

  send(sent: Message): void {
    this.events.push(`send ${'round' in sent ? sent.round : '?'}`)
  }

  install({ last }: SnapshotMeta, hardState: HardState, done: Done): void {
    assert.equal(this.log.busy, false, 'a restore goes with the log at rest')
    this.restoredUnder.push(`${hardState.term} ${hardState.votedFor}`)
    assert.equal(this.#restoring, null)
    this.events.push(`restore ${last.index}`)
    this.#restoring = done
  }

  enqueue(id: number, parts: Parameters<typeof effects>[1], clusterId?: string): void {
    this.persister.enqueue(effects(id, parts), clusterId)
  }

  endRestore(error?: Error): void {
    const done = this.#restoring
    assert.ok(done !== null, 'no restore is under way')
    this.#restoring = null
    done(error)
  }

  /** What came out since the last call. */
  news(): string[] {
    return this.events.splice(0)
  }
}

describe('Persister: group commit', () => {
  test('start: one write is in flight, and what comes meanwhile joins the next', () => {
    const bench = new Bench()
    bench.enqueue(1, { persist: append(1) })
    bench.enqueue(2, { persist: append(2) })
    assert.deepEqual(bench.log.calls, [], 'nothing is written before the turn ends')
    bench.persister.start()
    assert.deepEqual(bench.log.calls, ['write 1 2'])
    bench.enqueue(3, { persist: append(3) })
    bench.persister.start()
    bench.enqueue(4, { persist: append(4, 5) })
    bench.persister.start()
    assert.equal(bench.log.calls.length, 1)
    bench.log.finish()
    assert.deepEqual(bench.log.calls, ['write 1 2', 'write 3 4,5'])
    assert.deepEqual(bench.news(), ['persisted 2'])
    bench.log.finish()
    assert.deepEqual(bench.news(), ['persisted 4'])
    assert.equal(bench.persister.idle, true)
  })

  test('start: hands the parts of each batch over as they are, the cluster id with its own', () => {
    const bench = new Bench()
    const hardState = { term: 3, votedFor: 2 }
    bench.enqueue(1, { persist: { hardState, append: [] } }, 'c1')
    bench.enqueue(2, { persist: { truncateFrom: 1, append: entries(1, 2, 3) } })
    bench.persister.start()
    assert.deepEqual(bench.log.batches, [
      [
        { clusterId: 'c1', hardState, entries: [] },
        { truncateFrom: 1, entries: entries(1, 2, 3) },
      ],
    ])
  })

  test('start: a write ends before it passes the bound by bytes, unless one batch does', () => {
    const bench = new Bench()
    const half = MAX_PERSIST_BYTES / 2
    const sizes = [half, half, 1, MAX_PERSIST_BYTES + 1, 1]
    for (const [i, size] of sizes.entries()) bench.enqueue(i + 1, { persist: { append: [largeEntry(i + 1, size)] } })
    bench.persister.start()
    for (let i = 0; i < 4; i++) bench.log.finish()
    assert.deepEqual(bench.log.calls, ['write 1 2', 'write 3', 'write 4', 'write 5'])
    assert.deepEqual(bench.news(), ['persisted 2', 'persisted 3', 'persisted 4', 'persisted 5'])
  })

  test('busySince: is when the write in flight began', () => {
    const bench = new Bench()
    assert.equal(bench.persister.busySince, null)
    bench.time = 40
    bench.enqueue(1, { persist: append(1, 3) })
    bench.persister.start()
    bench.time = 55
    assert.equal(bench.persister.busySince, 40)
    assert.equal(bench.persister.idle, false)
    bench.log.finish()
    assert.equal(bench.persister.busySince, null)
    assert.deepEqual(bench.events, ['persisted 1'])
    assert.deepEqual(bench.observed, ['aspen_log_sync_duration_seconds 0.015', 'aspen_log_batch_entries 3'])
  })
})

describe('Persister: messages', () => {
  test('enqueue: a message with nothing before it leaves at once', () => {
    const bench = new Bench()
    bench.enqueue(1, { messages: [1, 2] })
    assert.deepEqual(bench.news(), ['send 1', 'send 2'])
    assert.equal(bench.persister.idle, true)
  })

  test('enqueue: a message waits for the write of its batch, and for the one in flight', () => {
    const bench = new Bench()
    bench.enqueue(1, { persist: append(1), messages: [1] })
    bench.persister.start()
    bench.enqueue(2, { messages: [2] })
    bench.enqueue(3, { persist: append(2), messages: [3] })
    bench.persister.start()
    assert.deepEqual(bench.news(), [])
    bench.log.finish()
    assert.deepEqual(bench.news(), ['send 1', 'persisted 1', 'send 2'])
    bench.log.finish()
    assert.deepEqual(bench.news(), ['send 3', 'persisted 3'])
  })

  test('enqueue: a message behind a write that has not begun waits for it', () => {
    const bench = new Bench()
    bench.enqueue(1, { persist: append(1) })
    bench.enqueue(2, { messages: [2] })
    assert.deepEqual(bench.news(), [])
    bench.persister.start()
    assert.deepEqual(bench.news(), [])
    bench.log.finish()
    assert.deepEqual(bench.news(), ['send 2', 'persisted 1'])
  })

  test('enqueue: a message does not wait for writes behind it', () => {
    const bench = new Bench()
    bench.enqueue(1, { persist: append(1) })
    bench.persister.start()
    bench.enqueue(2, { messages: [2] })
    bench.enqueue(3, { restore: 9 })
    bench.log.finish()
    assert.deepEqual(bench.news(), ['persisted 1', 'send 2', 'restore 9'])
  })

  test('enqueue: a restore keeps the term and vote that were written before it, not those of batches behind it', () => {
    const bench = new Bench()
    const votes = (term: number, votedFor: number): Persist => ({ hardState: { term, votedFor }, append: [] })
    bench.enqueue(1, { persist: votes(2, 3) })
    bench.enqueue(2, { restore: 9 })
    bench.enqueue(3, { persist: votes(3, 1) })
    bench.persister.start()
    bench.log.finish()
    bench.endRestore()
    bench.log.finish()
    bench.enqueue(4, { restore: 12, persist: votes(4, 2) })
    bench.enqueue(5, { persist: votes(5, 1) })
    bench.persister.start()
    assert.deepEqual(bench.restoredUnder, ['2 3', '4 2'])
    const fresh = new Bench()
    fresh.enqueue(1, { restore: 9 })
    fresh.persister.start()
    assert.deepEqual(fresh.restoredUnder, ['1 null'])
  })

  // The promise itself, over any course of events: what leaves was preceded by everything it promises.
  test('Persister: messages leave in order, after their batch and all before it are durable', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ type: fc.constant('enqueue' as const), writes: fc.boolean(), says: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('restore' as const), writes: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('purge' as const) }) },
      { weight: 3, arbitrary: fc.record({ type: fc.constant('start' as const) }) },
      { weight: 3, arbitrary: fc.record({ type: fc.constant('finish' as const) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const run = new PersisterRun()
        for (const one of steps) {
          if (one.type === 'enqueue') run.enqueue(one.writes, one.says, false)
          else if (one.type === 'restore') run.enqueue(one.writes, true, true)
          else if (one.type === 'purge') run.persister.requestPurge(1)
          else if (one.type === 'start') run.persister.start()
          else run.finish()
        }
        run.persister.start()
        for (let left = 200; run.finish() && left > 0; left--);
        assert.deepEqual(run.said, run.toSay, 'everything is said in the end, in order, once')
        assert.equal(run.durable, run.enqueued)
      }),
    )
  })
})

/** Checks at every message that what was enqueued up to it is durable. */
class PersisterRun {
  readonly said: number[] = []
  readonly toSay: number[] = []
  enqueued = 0
  durable = 0
  #nextId = 1
  readonly #log = new HandLog()
  #restoring: (() => void) | null = null
  /** The batch of every operation of the disk that is still to come, in order. */
  #work: number[] = []
  readonly #context = handContext({
    loop: handLoop(assert.fail),
    raft: { term: 1, votedFor: null, persisted: (id) => this.#persisted(id) },
  })
  readonly persister = new Persister(this.#context, this.#log, this, this)

  install({ last }: SnapshotMeta, _hardState: HardState, done: Done): void {
    assert.ok(!this.#log.busy && this.#restoring === null, 'one operation at a time')
    // The snapshot stands in for everything before it, other snapshots among it.
    const at = this.#work.indexOf(last.index)
    this.#restoring = () => {
      this.#work = this.#work.slice(at + 1)
      done()
    }
  }

  send(sent: Message): void {
    const id = 'round' in sent ? sent.round : 0
    assert.ok(
      this.#work.every((unfinished) => unfinished > id),
      `message ${id} left before its batch was durable`,
    )
    this.said.push(id)
  }

  #persisted(id: number): void {
    assert.ok(id > this.durable && this.#work.every((unfinished) => unfinished > id), `batch ${id} is not durable`)
    this.durable = id
  }

  enqueue(writes: boolean, says: boolean, restores: boolean): void {
    const id = this.#nextId++
    // A restore with a write takes two operations of the disk.
    if (restores) this.#work.push(id)
    if (writes) this.#work.push(id)
    if (restores || writes) this.enqueued = id
    if (says) this.toSay.push(id)
    const parts = { ...(writes ? { persist: append(id) } : {}), ...(restores ? { restore: id } : {}), messages: says ? [id] : [] }
    this.persister.enqueue(effects(id, parts), undefined)
  }

  /** Ends what the disk is doing; false when it does nothing. */
  finish(): boolean {
    const restoring = this.#restoring
    this.#restoring = null
    if (restoring !== null) {
      restoring()
      return true
    }
    if (!this.#log.busy) return false
    if (this.#log.calls.at(-1)?.startsWith('write') === true) this.#work = this.#work.slice(this.#log.batches.at(-1)?.length)
    this.#log.finish()
    return true
  }
}

describe('Persister: failure', () => {
  test('write: after an error nothing is said, reported or begun', () => {
    const bench = new Bench()
    bench.enqueue(1, { persist: append(1), messages: [1] })
    bench.persister.start()
    bench.enqueue(2, { messages: [2] })
    bench.enqueue(3, { persist: append(2), messages: [3] })
    bench.log.finish(new Error('EIO'))
    assert.deepEqual(bench.events, ['failed EIO'])
    assert.equal(bench.log.calls.length, 1)
  })

  test('purge and restore: after an error nothing is said, reported or begun', () => {
    const purging = new Bench()
    purging.persister.requestPurge(1)
    purging.enqueue(1, { persist: append(1), messages: [1] })
    purging.log.finish(new Error('EIO'))
    assert.deepEqual([purging.events, purging.log.calls], [['failed EIO'], ['purge 1']])

    const restoring = new Bench()
    restoring.enqueue(1, { restore: 9, persist: append(10), messages: [1] })
    restoring.persister.start()
    restoring.enqueue(2, { persist: append(11), messages: [2] })
    restoring.endRestore(new Error('EIO'))
    assert.deepEqual([restoring.events, restoring.log.calls], [['restore 9', 'failed EIO'], []])
  })

  // The turns go on until the node has been taken down.
  const failures: Readonly<Record<string, (bench: Bench) => void>> = {
    write: (bench) => {
      bench.enqueue(1, { persist: append(1), messages: [1] })
      bench.persister.start()
      bench.log.finish(new Error('EIO'))
    },
    purge: (bench) => {
      bench.persister.requestPurge(1)
      bench.log.finish(new Error('EIO'))
    },
    restore: (bench) => {
      bench.enqueue(1, { restore: 9, messages: [1] })
      bench.persister.start()
      bench.endRestore(new Error('EIO'))
    },
  }
  for (const [operation, fail] of Object.entries(failures)) {
    test(`${operation}: after an error nothing that comes later is said or begun either`, () => {
      const bench = new Bench()
      fail(bench)
      const calls = [...bench.log.calls]
      assert.equal(bench.news().at(-1), 'failed EIO')
      bench.enqueue(2, { messages: [2] })
      bench.persister.start()
      bench.enqueue(3, { persist: append(2), messages: [3] })
      bench.persister.start()
      bench.persister.requestPurge(2)
      assert.deepEqual([bench.news(), bench.log.calls], [[], calls])
    })
  }
})

describe('Persister: restore', () => {
  test('restore: waits for the writes before it, and those behind it wait for it', () => {
    const bench = new Bench()
    bench.enqueue(1, { persist: append(1), messages: [1] })
    bench.enqueue(2, { restore: 9, messages: [2] })
    bench.enqueue(3, { persist: append(10), messages: [3] })
    bench.persister.start()
    assert.deepEqual([bench.log.calls, bench.news()], [['write 1'], []])
    bench.log.finish()
    assert.deepEqual([bench.log.calls, bench.news()], [['write 1'], ['send 1', 'persisted 1', 'restore 9']])
    bench.persister.start()
    assert.equal(bench.log.calls.length, 1)
    bench.endRestore()
    assert.deepEqual(
      [bench.log.calls, bench.news()],
      [
        ['write 1', 'write 10'],
        ['send 2', 'persisted 2'],
      ],
    )
    bench.log.finish()
    assert.deepEqual(bench.news(), ['send 3', 'persisted 3'])
  })

  test('restore: comes before what the same batch writes, and nothing of it is promised between', () => {
    const bench = new Bench()
    const hardState = { term: 4, votedFor: null }
    bench.enqueue(1, { restore: 9, persist: { hardState, append: entries(10, 11) }, messages: [1] })
    bench.enqueue(2, { persist: append(12) })
    bench.persister.start()
    assert.deepEqual([bench.news(), bench.log.calls], [['restore 9'], []])
    bench.endRestore()
    assert.deepEqual([bench.news(), bench.log.calls], [[], ['write 10,11']])
    assert.deepEqual(bench.log.batches[0], [{ hardState, entries: entries(10, 11) }])
    bench.log.finish()
    assert.deepEqual(
      [bench.news(), bench.log.calls],
      [
        ['send 1', 'persisted 1'],
        ['write 10,11', 'write 12'],
      ],
    )
  })

  test('restore: several that wait are carried out one by one, with the writes between them', () => {
    const bench = new Bench()
    bench.enqueue(1, { restore: 9, messages: [1] })
    bench.enqueue(2, { persist: append(10), messages: [2] })
    bench.enqueue(3, { restore: 20, messages: [3] })
    bench.persister.start()
    bench.endRestore()
    assert.deepEqual(bench.news(), ['restore 9', 'send 1', 'persisted 1'])
    bench.log.finish()
    assert.deepEqual(bench.news(), ['send 2', 'persisted 2', 'restore 20'])
    bench.endRestore()
    assert.deepEqual(bench.news(), ['send 3', 'persisted 3'])
  })

  test('requestPurge: waits while a restore is under way', () => {
    const bench = new Bench()
    bench.enqueue(1, { restore: 9 })
    bench.persister.start()
    bench.persister.requestPurge(3)
    assert.deepEqual(bench.log.calls, [])
    bench.endRestore()
    assert.deepEqual([bench.log.calls, bench.news()], [['purge 3'], ['restore 9', 'persisted 1']])
  })
})

describe('Persister: purge', () => {
  test('requestPurge: goes between two writes, once, up to the highest index asked for', () => {
    const bench = new Bench()
    bench.enqueue(1, { persist: append(1, 5) })
    bench.persister.start()
    bench.persister.requestPurge(3)
    bench.persister.requestPurge(2)
    bench.enqueue(2, { persist: append(6) })
    bench.persister.start()
    assert.deepEqual(bench.log.calls, ['write 1,2,3,4,5'])
    bench.log.finish()
    assert.deepEqual(bench.log.calls, ['write 1,2,3,4,5', 'purge 3'])
    bench.log.finish()
    assert.deepEqual(bench.log.calls, ['write 1,2,3,4,5', 'purge 3', 'write 6'])
    bench.log.finish()
    assert.deepEqual(bench.news(), ['persisted 1', 'persisted 2'])
    assert.equal(bench.log.calls.length, 3)
  })

  test('requestPurge: starts at once when nothing is in flight', () => {
    const bench = new Bench()
    bench.enqueue(1, { persist: append(1, 5) })
    bench.persister.start()
    bench.log.finish()
    bench.persister.requestPurge(2)
    assert.equal(bench.log.calls.at(-1), 'purge 2')
    assert.equal(bench.persister.idle, false)
  })

  test('write: batches are told to be durable in their order, each once', () => {
    for (const second of [2, 1]) {
      const bench = new Bench()
      bench.enqueue(2, { persist: append(1) })
      bench.persister.start()
      bench.log.finish()
      bench.enqueue(second, { persist: append(2) })
      bench.persister.start()
      assert.throws(() => bench.log.finish(), { name: 'AssertionError' })
      assert.deepEqual(bench.news(), ['persisted 2'])
    }
  })

  test('write: nothing is promised of a batch before it and those before it are written', () => {
    const bench = new Bench()
    bench.enqueue(5, { persist: append(1), messages: [5] })
    bench.enqueue(4, { messages: [4] })
    bench.persister.start()
    assert.throws(() => bench.log.finish(), { name: 'AssertionError' })
    assert.deepEqual(bench.news(), [])
  })
})

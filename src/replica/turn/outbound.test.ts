import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_RPC_MESSAGE_SIZE } from '../../limits.ts'
import type { Lane } from '../../ports/index.ts'
import type { AppendRequest, Message, NodeId, Role } from '../../raft/index.ts'
import type { PeerMessage } from '../../wire/index.ts'
import { EntryCache } from './entry-cache.ts'
import { handContext, handLoop } from '../hand-context.test.ts'
import { EMPTY_LOG, entries, HandLog } from '../hand-driven-stores.test.ts'
import { Outbound } from './outbound.ts'

const TERM = 4

function append(to: number, prev: number, count: number): AppendRequest {
  return {
    type: 'append',
    from: 1,
    to,
    term: TERM,
    prev: { term: prev === 0 ? 0 : 1, index: prev },
    count,
    entries: [],
    commit: 0,
    incarnation: 1,
    round: 0,
  }
}

const heartbeat = (to: number): Message => ({ type: 'heartbeat', from: 1, to, term: TERM, commit: 0, incarnation: 1, round: 0 })

/** A leader's outbound side over a log of `last` entries, of which the cache holds those from `cachedFrom` on. */
class Bench {
  readonly log: HandLog
  readonly sent: string[] = []
  readonly failures: string[] = []
  current = true
  readonly term = TERM
  readonly purgedTo = { term: 0, index: 0 }
  readonly outbound: Outbound

  constructor(last: number, cachedFrom: number, size = 1) {
    const all = entries(1, last, 1, size)
    this.log = new HandLog(EMPTY_LOG, all)
    const cache = new EntryCache(cachedFrom - 1, Number.MAX_SAFE_INTEGER)
    for (const one of all.slice(cachedFrom - 1)) cache.put(one)
    const loop = handLoop((error) => this.failures.push(error.message))
    const context = handContext<'fail', 'term' | 'role' | 'purgedTo'>({ loop, raft: this })
    this.outbound = new Outbound(context, this.log, cache, this)
  }

  get role(): Role {
    return this.current ? 'leader' : 'follower'
  }

  send(to: NodeId, sent: PeerMessage, lane: Lane): boolean {
    assert.ok(sent.type === 'raft')
    const { message } = sent
    assert.equal(message.to, to)
    const carried = message.type === 'append' ? ` ${message.entries.map((one) => one.index).join(',') || 'empty'}` : ''
    this.sent.push(`${to} ${lane} ${message.type}${carried}`)
    return true
  }
}

describe('Outbound', () => {
  test('send: completes an append from memory and sends it at once, behind priority', () => {
    const bench = new Bench(5, 1)
    bench.outbound.send(append(2, 2, 3))
    bench.outbound.send(append(2, 5, 0))
    assert.deepEqual(bench.sent, ['2 normal append 3,4,5', '2 normal append empty'])
    assert.deepEqual(bench.log.calls, [])
  })

  test('send: what carries no entries has priority', () => {
    const bench = new Bench(5, 1)
    bench.outbound.send(heartbeat(2))
    assert.deepEqual(bench.sent, ['2 priority heartbeat'])
  })

  test('send: an append that waits for the disk holds back those behind it to the same peer, and nothing else', () => {
    const bench = new Bench(6, 4)
    bench.outbound.send(append(2, 0, 3))
    bench.outbound.send(append(2, 3, 2))
    bench.outbound.send(append(2, 5, 1))
    bench.outbound.send(append(3, 3, 3))
    bench.outbound.send(heartbeat(2))
    assert.deepEqual(bench.sent, ['3 normal append 4,5,6', '2 priority heartbeat'])
    bench.log.finishRead()
    assert.deepEqual(bench.sent.slice(2), ['2 normal append 1,2,3', '2 normal append 4,5', '2 normal append 6'])
    bench.outbound.send(append(2, 4, 1))
    assert.equal(bench.sent.at(-1), '2 normal append 5')
  })

  test('send: keeps the order when one that was held back has to wait for the disk as well', () => {
    const bench = new Bench(6, 6)
    for (const [prev, count] of [
      [0, 2],
      [2, 3],
      [5, 1],
    ] as const) {
      bench.outbound.send(append(2, prev, count))
    }
    assert.equal(bench.log.pendingReads, 1)
    bench.log.finishRead()
    assert.deepEqual(bench.sent, ['2 normal append 1,2'])
    bench.log.finishRead()
    assert.deepEqual(bench.sent.slice(1), ['2 normal append 3,4,5', '2 normal append 6'])
  })

  test('send: reads on when the log gives fewer entries than asked for', () => {
    const half = MAX_RPC_MESSAGE_SIZE / 4 + 1
    const bench = new Bench(4, 5, half)
    bench.outbound.send(append(2, 0, 3))
    assert.deepEqual(bench.log.calls, ['read 1-3'])
    bench.log.finishRead()
    assert.deepEqual(bench.sent, ['2 normal append 1,2,3'])
  })

  test('send: reads for several peers go on side by side', () => {
    const bench = new Bench(4, 5)
    bench.outbound.send(append(2, 0, 2))
    bench.outbound.send(append(3, 2, 2))
    assert.equal(bench.log.pendingReads, 2)
    bench.log.finishRead()
    bench.log.finishRead()
    assert.deepEqual(bench.sent, ['2 normal append 1,2', '3 normal append 3,4'])
  })

  test('send: what was read for a leadership that is over is dropped, an error with it', () => {
    for (const failure of [undefined, new Error('purged meanwhile')]) {
      const bench = new Bench(4, 5)
      bench.outbound.send(append(2, 0, 2))
      bench.current = false
      bench.log.finishRead(failure)
      assert.deepEqual([bench.sent, bench.failures], [[], []])
      bench.current = true
      bench.outbound.send(append(2, 0, 1))
      bench.log.finishRead()
      assert.deepEqual(bench.sent, ['2 normal append 1'])
    }
  })

  test('send: what was held back under a leadership that is over is dropped as well', () => {
    const bench = new Bench(4, 3)
    bench.outbound.send(append(2, 0, 2))
    bench.outbound.send(append(2, 2, 2))
    bench.current = false
    bench.log.finishRead()
    assert.deepEqual(bench.sent, [], 'the entries there may be those of another term by now')
  })

  test('send: a read that fails is reported, and what was held back stays', () => {
    const bench = new Bench(4, 3)
    bench.outbound.send(append(2, 0, 2))
    bench.outbound.send(append(2, 2, 2))
    bench.log.finishRead(new Error('EIO'))
    assert.deepEqual([bench.failures, bench.sent], [['EIO'], []])
  })

  test('send: an append never leaves with other entries than it names', () => {
    const [second, third] = entries(2, 3)
    assert.ok(second !== undefined && third !== undefined)
    for (const wrong of [[third], [second, third]]) {
      const bench = new Bench(4, 5)
      bench.log.read = (_first, _last, _maxBytes, done) => done(undefined, wrong)
      assert.throws(() => bench.outbound.send(append(2, 1, 1)), { name: 'AssertionError' })
      assert.deepEqual(bench.sent, [])
    }
  })
})

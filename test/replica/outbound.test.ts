import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AppendRequest, Entry, LogId } from '../../src/raft/index.ts'
import { EntryCache } from '../../src/replica/turn/entry-cache.ts'
import { guardLog } from '../../src/replica/turn/guarded-stores.ts'
import { Outbound } from '../../src/replica/turn/outbound.ts'
import { handContext, handLoop } from '../../src/replica/hand-context.test.ts'
import { MemoryLog } from '../../src/storage/index.ts'
import type { PeerMessage } from '../../src/wire/index.ts'
import { ManualClock } from '../manual-clock.ts'

function entry(index: number, term: number): Entry {
  return { index, term, kind: 'command', payload: new TextEncoder().encode(`${index}@${term}`) }
}

function append(term: number, prev: { term: number; index: number }, count: number): AppendRequest {
  return { type: 'append', from: 1, to: 2, term, prev, count, entries: [], commit: 0, incarnation: 1, round: 0 }
}

/** What of the core the outbound side looks at: leading this term, with the whole log. */
function leaderOf(term: number): { term: number; readonly role: 'leader'; readonly purgedTo: LogId } {
  return { term, role: 'leader', purgedTo: { term: 0, index: 0 } }
}

function sent(message: PeerMessage): AppendRequest {
  assert.ok(message.type === 'raft' && message.message.type === 'append')
  return message.message
}

test('Outbound: completes an append whose first entries are in the log only and whose last are not durable yet', () => {
  const clock = new ManualClock()
  const log = new MemoryLog((run) => clock.defer(run))
  log.write([{ entries: [entry(1, 1), entry(2, 1), entry(3, 1)] }], () => undefined)
  clock.settle()
  // As after a restart: what was durable then is in the log alone, what was proposed since is on its way there.
  const cache = new EntryCache(3, 1000)
  cache.put(entry(4, 2))
  const out: AppendRequest[] = []
  const peers = { send: (_to: number, message: PeerMessage) => out.push(sent(message)) > 0 }
  const outbound = new Outbound(handContext({ loop: handLoop(assert.fail), raft: leaderOf(2) }), log, cache, peers)
  outbound.send(append(2, { term: 1, index: 1 }, 3))
  clock.settle()
  assert.deepEqual(
    out.flatMap(({ entries }) => entries.map(({ index, term }) => `${index}@${term}`)),
    ['2@1', '3@1', '4@2'],
  )
})

test('Outbound: an append that waited while leadership was lost does not leave with the entries of the next leader', () => {
  const clock = new ManualClock()
  const log = new MemoryLog((run) => clock.defer(run))
  log.write([{ entries: [1, 2, 3].map((index) => entry(index, 1)) }], () => undefined)
  clock.settle()
  const cache = new EntryCache(3, 1000)
  cache.put(entry(4, 1))
  cache.put(entry(5, 1))
  const out: AppendRequest[] = []
  const raft = leaderOf(1)
  const peers = { send: (_to: number, message: PeerMessage) => out.push(sent(message)) > 0 }
  const outbound = new Outbound(handContext({ loop: handLoop(assert.fail), raft }), log, cache, peers)
  outbound.send(append(1, { term: 1, index: 1 }, 2))
  // It must follow the first, which waits for the disk.
  outbound.send(append(1, { term: 1, index: 4 }, 1))
  // Meanwhile another node leads term 2 and has replaced entries 4 and 5.
  raft.term = 2
  cache.truncateFrom(4)
  cache.put(entry(4, 2))
  cache.put(entry(5, 2))
  clock.settle()
  assert.deepEqual(
    out.map(
      ({ term, prev, entries }) =>
        `term ${term} after ${prev.index}@${prev.term}: ${entries.map((e) => `${e.index}@${e.term}`).join(' ')}`,
    ),
    [],
  )
})

test('Outbound: an append that waited for entries which are gone by now is dropped, not read', () => {
  const clock = new ManualClock()
  const log = new MemoryLog((run) => clock.defer(run))
  log.write([{ entries: [1, 2, 3, 4].map((index) => entry(index, 1)) }], () => undefined)
  clock.settle()
  const cache = new EntryCache(4, 1000)
  const raft = leaderOf(1)
  const peers = { send: () => assert.fail('nothing may leave') }
  const outbound = new Outbound(handContext({ loop: handLoop(assert.fail), raft }), log, cache, peers)
  outbound.send(append(1, { term: 1, index: 1 }, 1))
  outbound.send(append(1, { term: 1, index: 2 }, 2))
  raft.term = 2
  log.write([{ truncateFrom: 3, entries: [] }], () => undefined)
  clock.settle()
})

test('Outbound: what goes wrong when a read has ended is reported, not thrown into the log store', () => {
  const clock = new ManualClock()
  const log = new MemoryLog((run) => clock.defer(run))
  log.write([{ entries: [entry(1, 1), entry(2, 1)] }], () => undefined)
  clock.settle()
  const failures: Error[] = []
  const loop = handLoop((error) => failures.push(error))
  const guard = (run: () => void): void => {
    try {
      run()
    } catch (error) {
      failures.push(error as Error)
    }
  }
  const peers = {
    send: () => {
      throw new Error('the transport found a broken invariant')
    },
  }
  const context = handContext({ loop, raft: leaderOf(1) })
  const outbound = new Outbound(context, guardLog(log, { guard }), new EntryCache(2, 1000), peers)
  outbound.send(append(1, { term: 0, index: 0 }, 2))
  clock.settle()
  assert.equal(failures.length, 1)
})

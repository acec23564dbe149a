/** What every state machine remembers of clients, how it counts revisions, and what it says that it changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import type { Entry } from '../../src/raft/index.ts'
import {
  answers,
  batch,
  bytes,
  del,
  get,
  LogWriter,
  membershipOf,
  plainResults,
  plainState,
  refusals,
  rowOf,
  set,
  txn,
} from './state-machine-fixture.ts'
import type { WithMachine } from './state-machine-fixture.ts'

export function sessionContract(withMachine: WithMachine): void {
  test(
    'apply: applies a repeated write once and answers as the first time',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      const origin = { client: 'client', sequence: 1 }
      const write = txn([{ type: 'absent', key: bytes('a'), absent: true }], [set('a', '1'), get('a')])
      const [first] = answers(machine, [log.command(write, origin)])
      const [again] = answers(machine, [log.command(write, origin)])
      assert.equal(again?.txn?.succeeded, true)
      assert.deepEqual([again.logId, again.revision], [{ term: 1, index: 1 }, 2])
      assert.deepEqual(plainResults(again), plainResults(first))
      assert.deepEqual(rowOf(machine, 'a'), { value: '1', revisions: [2, 2, 1] })
      assert.deepEqual([machine.info().applied.index, machine.info().revision], [2, 2])
    }),
  )

  test(
    'apply: sees a repetition within one batch, and tells clients apart',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      const write = (client: string, sequence: number, value: string) => log.command(batch(set('a', value)), { client, sequence })
      const results = answers(machine, [write('x', 1, '1'), write('x', 1, '1'), write('y', 1, '2'), write('x', 2, '3')])
      assert.deepEqual(
        results.map((result) => result?.logId.index),
        [1, 1, 3, 4],
      )
      assert.deepEqual(rowOf(machine, 'a'), { value: '3', revisions: [2, 4, 3] })
    }),
  )

  test(
    'apply: applies every sequence of the window once, in whatever order they come',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      const write = (sequence: number) => log.command(batch(set(`k${sequence}`, '')), { client: 'x', sequence })
      const order = [1, 5, 3, 2, 4, 3, 5, 128, 7]
      const results = answers(machine, order.map(write))
      assert.deepEqual(
        results.map((result) => result?.logId.index),
        [1, 2, 3, 4, 5, 3, 2, 8, 9],
      )
      assert.equal(machine.info().keys, new Set(order).size)
    }),
  )

  test(
    'apply: refuses what is not the command that took effect, and changes nothing',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      const write = (sequence: number, value: string) => log.command(batch(set('a', value)), { client: 'x', sequence })
      const stranger = (sequence: number) => log.command(batch(set('a', 'stranger')), { client: 'stranger', sequence })
      answers(machine, [write(1, '1'), write(2, '2'), write(131, '131')])
      const codes = refusals(machine, [write(2, '1'), write(3, '3'), write(1, '1'), write(4, '4'), stranger(2)])
      assert.deepEqual(codes, ['SEQUENCE_PASSED', 'SEQUENCE_PASSED', 'SEQUENCE_PASSED', null, 'SESSION_UNKNOWN'])
      assert.deepEqual(refusals(machine, [write(131, 'other'), write(131, '131')]), ['SEQUENCE_REUSED', null])
      assert.deepEqual(rowOf(machine, 'a'), { value: '4', revisions: [2, 5, 4] })
      assert.deepEqual(machine.apply([write(131, 'other')]).changes, [])
    }),
  )

  test(
    'apply: of a large result it remembers that it took effect, with its log id and branch',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      const write = txn([], [set('a', 'v'.repeat(70_000)), get('a')])
      const [first] = answers(machine, [log.command(write, { client: 'x', sequence: 1 })])
      assert.equal(first?.txn?.results.length, 2)
      const [again] = machine.apply([log.command(write, { client: 'x', sequence: 1 })]).results
      assert.ok(again instanceof AspenError)
      const details = { log_id: { term: 1, index: 1 }, revision: 2, succeeded: true }
      assert.deepEqual([again.code, again.details], ['RESULT_TOO_LARGE', details])
    }),
  )

  test(
    'apply: keeps what a client found within a bound, the newest first',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      machine.apply([log.set('a', 'v'.repeat(50_000))])
      const write = (sequence: number) => log.command(txn([], [get('a')]), { client: 'x', sequence })
      answers(machine, [1, 2, 3].map(write))
      assert.deepEqual(refusals(machine, [1, 2, 3].map(write)), ['RESULT_TOO_LARGE', null, null])
      assert.ok(machine.info().systemBytes < 128 * 1024 + 1000)
    }),
  )

  test(
    'apply: forgets the client whose last write is the oldest when there are too many',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      const write = (client: string, sequence: number) => log.command(batch(set('k', client)), { client, sequence })
      const indexOf = (client: string, sequence: number) => answers(machine, [write(client, sequence)])[0]?.logId.index
      machine.apply([write('old', 1), write('older than it looks', 1), write('old', 2)])
      for (let i = 0; i < 10; i++) machine.apply(Array.from({ length: i === 9 ? 999 : 1000 }, (_, j) => write(`c${i}-${j}`, 1)))
      // 9,999 newcomers and two: the one whose last write was the oldest made room.
      assert.deepEqual(refusals(machine, [write('older than it looks', 2)]), ['SESSION_UNKNOWN'])
      assert.equal(indexOf('old', 2), 3)
      assert.equal(indexOf('older than it looks', 1), log.index)
    }),
  )

  test(
    'apply: forgets a client that has written nothing for seven days of replicated time',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      const day = 24 * 60 * 60 * 1000
      const write = (client: string, sequence: number, elapsedMs = 0) =>
        log.command(batch(set('k', client)), { client, sequence }, elapsedMs)
      answers(machine, [write('x', 1), write('y', 1, 4 * day), write('x', 2, 3 * day), write('y', 2, 3 * day + 1)])
      assert.equal(machine.info().timeMs, 10 * day + 1)
      const codes = refusals(machine, [write('x', 3, 4 * day), write('y', 3, 0), write('z', 1, 3 * day), write('y', 3)])
      assert.deepEqual(codes, ['SESSION_UNKNOWN', null, null, null])
      assert.deepEqual(refusals(machine, [write('z', 1, 8 * day), write('y', 3)]), [null, 'SESSION_UNKNOWN'])
    }),
  )
}

export function changeContract(withMachine: WithMachine): void {
  test(
    'revision: counts a command once if it changed a key, and nothing else',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      const once = { client: 'c', sequence: 1 }
      const revisionAfter = (...entries: Entry[]): number => {
        machine.apply(entries)
        return machine.info().revision
      }
      assert.equal(revisionAfter(log.noop(), log.membership(membershipOf(1))), 1)
      assert.equal(revisionAfter(log.command(batch(del('nothing')))), 1)
      assert.equal(revisionAfter(log.command(txn([], [get('a')]))), 1)
      assert.equal(revisionAfter(log.command(batch(set('a', '1'), set('b', '1'), del('a')))), 2)
      assert.equal(revisionAfter(log.set('b', '1')), 3)
      assert.equal(revisionAfter(log.command(batch(set('c', '')), once)), 4)
      assert.equal(revisionAfter(log.command(batch(set('c', '')), once)), 4)
      assert.deepEqual(rowOf(machine, 'b')?.revisions, [2, 3, 2])
    }),
  )

  test(
    'apply: tells the revision to a transaction, and to a write that asks for it',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      const asking = (command: Parameters<LogWriter['command']>[0]) => log.command(command, null, 0, true)
      const results = answers(machine, [
        log.set('a', '1'),
        asking(batch(set('a', '2'))),
        asking(batch(del('nothing'))),
        log.command(txn([], [get('a')])),
      ])
      assert.deepEqual(
        results.map((result) => result?.revision),
        [undefined, 3, 3, 3],
      )
    }),
  )

  test(
    'apply: says what it changed, in order',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      const { changes } = machine.apply([
        log.command(batch(set('a', '1'), set('b', '22'))),
        log.command(batch(del('nothing'))),
        log.command(txn([], [set('a', '333'), get('a'), del('b')])),
      ])
      const plain = changes.map(({ revision, position, key, before, after }) => {
        return [revision, position, Buffer.from(key).toString(), before?.size, after && Buffer.from(after.value).toString()]
      })
      assert.deepEqual(plain, [
        [2, 0, 'a', undefined, '1'],
        [2, 1, 'b', undefined, '22'],
        [3, 0, 'a', 1, '333'],
        [3, 1, 'b', 2, undefined],
      ])
      assert.deepEqual(changes[2]?.before, { createRevision: 2, modRevision: 2, version: 1, size: 1 })
      assert.deepEqual(changes[2]?.after?.version, 2)
    }),
  )

  test(
    'apply: changes nothing when an entry needs a later program',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      const good = log.set('a', '1')
      const later = { ...log.set('b', '1'), payload: Uint8Array.of(2, 0, 0, 0, 0, 0, 1) }
      const before = plainState(machine)
      assert.throws(() => machine.apply([good, later]), { name: 'LaterVersion', needs: 2 })
      assert.deepEqual(plainState(machine), before)
      answers(machine, [good])
    }),
  )
}

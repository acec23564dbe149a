/** What every implementation of the StateEngine port must do. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { StateEngine } from '../../src/ports/index.ts'
import { StateError } from '../../src/storage/index.ts'
import {
  answers,
  allRows,
  batch,
  bytes,
  CLUSTER_ID,
  del,
  get,
  LogWriter,
  membershipOf,
  plainResults,
  plainState,
  rowOf,
  set,
  settled,
  transfer,
  txn,
} from './state-machine-fixture.ts'
import type { OpenedState, StatePlace, WithMachine } from './state-machine-fixture.ts'
import { changeContract, sessionContract } from './state-machine-sessions.ts'

export function stateMachineContract(name: string, createPlace: () => StatePlace): void {
  const withPlace = (use: (place: StatePlace) => Promise<void>) => async (): Promise<void> => {
    const place = createPlace()
    try {
      await use(place)
    } finally {
      await place.dispose()
    }
  }
  const withMachine = (use: (opened: OpenedState) => Promise<void> | void): (() => Promise<void>) =>
    withPlace(async (place) => use(place.open()))

  describe(`${name}: apply`, () => applyContract(withMachine))
  describe(`${name}: sessions`, () => sessionContract(withMachine))
  describe(`${name}: revisions and changes`, () => changeContract(withMachine))
  describe(`${name}: scan`, () => scanContract(withMachine))
  describe(`${name}: snapshots`, () => snapshotContract(withMachine, withPlace, createPlace))
  describe(`${name}: durability`, () => durabilityContract(withPlace))
}

type WithPlace = (use: (place: StatePlace) => Promise<void>) => () => Promise<void>

function applyContract(withMachine: WithMachine): void {
  test(
    'info: is empty when nothing was applied',
    withMachine(({ machine }) => {
      const info = {
        applied: { term: 0, index: 0 },
        membership: null,
        membershipIndex: 0,
        keys: 0,
        bytes: 0,
        systemRows: 1,
        systemBytes: 33,
        revision: 1,
        timeMs: 0,
        clusterVersion: 1,
      }
      assert.deepEqual(machine.info(), info)
      assert.equal(machine.get(bytes('a')), undefined)
      assert.equal(machine.durableIndex(), 0)
      assert.deepEqual(machine.apply([]), { results: [], changes: [], digests: [] })
    }),
  )

  test(
    'apply: counts revisions and versions from the write that created the key',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      machine.apply([log.set('a', '1'), log.set('a', '2'), log.command(batch(set('a', '3'), set('a', '4')))])
      assert.deepEqual(rowOf(machine, 'a'), { value: '4', revisions: [2, 4, 4] })
      machine.apply([log.command(batch(del('a'))), log.set('a', '5')])
      assert.deepEqual(rowOf(machine, 'a'), { value: '5', revisions: [6, 6, 1] })
      machine.apply([log.command(batch(set('a', 'x'), del('a'), set('a', '6')))])
      assert.deepEqual(rowOf(machine, 'a'), { value: '6', revisions: [7, 7, 1] })
    }),
  )

  test(
    'apply: counts keys and the bytes of keys and values',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      machine.apply([log.command(batch(set('é', '12'), set('b', ''))), log.set('é', '1234')])
      assert.deepEqual([machine.info().keys, machine.info().bytes], [2, 7])
      machine.apply([log.command(batch(del('é'), del('é'), del('none')))])
      assert.deepEqual([machine.info().keys, machine.info().bytes], [1, 1])
      assert.deepEqual(rowOf(machine, 'b'), { value: '', revisions: [2, 2, 1] })
    }),
  )

  test(
    'apply: answers each entry in order, and nothing for kinds that answer nothing',
    withMachine(({ machine }) => {
      const log = new LogWriter(0, 3)
      const results = answers(machine, [log.noop(), log.membership(membershipOf(1, 2)), log.set('a', '1')])
      assert.deepEqual(results, [null, null, { logId: { term: 3, index: 3 } }])
      const { applied, membership, membershipIndex } = machine.info()
      assert.deepEqual(
        { applied, membership, membershipIndex },
        { applied: { term: 3, index: 3 }, membership: membershipOf(1, 2), membershipIndex: 2 },
      )
    }),
  )

  test(
    'apply: reads the membership from the payload when the entry does not carry it',
    withMachine(({ machine }) => {
      const { index, term, kind, payload } = new LogWriter().membership(membershipOf(7))
      machine.apply([{ index, term, kind, payload }])
      assert.deepEqual(machine.info().membership, membershipOf(7))
    }),
  )

  test(
    'apply: keeps its own copy of what an entry holds',
    withMachine(({ machine }) => {
      const entry = new LogWriter().set('key', 'value')
      machine.apply([entry])
      entry.payload.fill(0)
      assert.deepEqual(rowOf(machine, 'key'), { value: 'value', revisions: [2, 2, 1] })
      assert.deepEqual(
        allRows(machine).map((row) => Buffer.from(row.key).toString()),
        ['key'],
      )
    }),
  )

  test(
    'apply: changes nothing when the entries do not follow what was applied',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      machine.apply([log.set('a', '1')])
      const before = plainState(machine)
      assert.throws(() => machine.apply([new LogWriter(0).set('a', '2')]), /consecutive/)
      assert.throws(() => machine.apply([new LogWriter(1).set('a', '2'), new LogWriter(3).set('a', '3')]), /consecutive/)
      assert.throws(() => machine.apply([new LogWriter(1, 0).set('a', '2')]), /term 0/)
      assert.deepEqual(plainState(machine), before)
    }),
  )

  test(
    'apply: changes nothing, not even by the entries before it, when a payload is malformed',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      const good = log.set('a', '1')
      const bad = { ...log.set('b', '1'), payload: Uint8Array.of(1, 0, 0, 0, 0, 0, 255) }
      assert.throws(() => machine.apply([good, bad]), { name: 'WireError' })
      assert.equal(machine.info().applied.index, 0)
      machine.apply([good])
      assert.equal(allRows(machine).length, 1)
    }),
  )

  test(
    'txn: takes the branch that its conditions choose, looking at the state before it',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      machine.apply([log.set('a', '1')])
      const key = bytes('a')
      const decide = (...compare: Parameters<typeof txn>[0]): boolean | undefined =>
        answers(machine, [log.command(txn(compare, [], [set('never', '')]))])[0]?.txn?.succeeded
      const missing = bytes('missing')
      assert.equal(decide(), true)
      assert.equal(decide({ type: 'value', key, value: bytes('1') }), true)
      assert.equal(decide({ type: 'value', key, value: bytes('2') }), false)
      assert.equal(decide({ type: 'value', key: missing, value: bytes('') }), false)
      assert.equal(decide({ type: 'mod-revision', key, modRevision: 2 }), true)
      assert.equal(decide({ type: 'mod-revision', key, modRevision: 0 }), false)
      assert.equal(decide({ type: 'mod-revision', key: missing, modRevision: 0 }), true)
      assert.equal(decide({ type: 'absent', key, absent: false }, { type: 'absent', key: missing, absent: true }), true)
      assert.equal(decide({ type: 'absent', key, absent: true }), false)
      assert.equal(decide({ type: 'absent', key: missing, absent: false }), false)
      assert.equal(decide({ type: 'absent', key, absent: false }, { type: 'value', key, value: bytes('2') }), false)
    }),
  )

  test(
    'txn: runs one branch in order, each operation seeing those before it',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      const missing = { type: 'absent', key: bytes('a'), absent: true } as const
      const then = [get('a'), set('a', '1'), get('a'), del('a'), get('a'), del('a'), set('a', '2')]
      const [first, second] = answers(machine, [
        log.command(txn([missing], then, [set('b', '')])),
        log.command(txn([missing], [], [get('a')])),
      ])
      const found = { key: '61', value: '31', createRevision: 2, modRevision: 2, version: 1 }
      const gone = [{ type: 'delete', deleted: true }, null, { type: 'delete', deleted: false }]
      assert.equal(first?.txn?.succeeded, true)
      assert.deepEqual(plainResults(first), [null, { type: 'set' }, found, ...gone, { type: 'set' }])
      assert.equal(second?.txn?.succeeded, false)
      assert.deepEqual(plainResults(second), [{ ...found, value: '32' }])
      assert.equal(machine.get(bytes('b')), undefined)
    }),
  )
}

function scanContract(withMachine: WithMachine): void {
  const keys = (machine: StateEngine, start: string, end: string | null, limit: number, maxBytes = 1e6): [string[], boolean] => {
    const { rows, more } = machine.scan({ start: bytes(start), end: end === null ? null : bytes(end) }, limit, maxBytes)
    return [rows.map((row) => Buffer.from(row.key).toString()), more]
  }

  test(
    'scan: orders keys by their bytes',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      // By UTF-16 code units the emoji would come before U+FF5E.
      const ordered = ['\u0000', 'A', 'Z', 'a', 'aa', 'ab', 'b', 'é', '\uff5e', '😀']
      machine.apply(ordered.toReversed().map((key) => log.set(key, key)))
      assert.deepEqual(keys(machine, '', null, 100), [ordered, false])
      for (const row of allRows(machine)) assert.deepEqual(Buffer.from(row.value), Buffer.from(row.key))
    }),
  )

  test(
    'scan: begins at its start and ends before its end',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      machine.apply(['a', 'b', 'c', 'd'].map((key) => log.set(key, '')))
      assert.deepEqual(keys(machine, 'b', 'd', 10), [['b', 'c'], false])
      assert.deepEqual(keys(machine, 'bb', null, 10), [['c', 'd'], false])
      assert.deepEqual(keys(machine, 'c', 'c', 10), [[], false])
      assert.deepEqual(keys(machine, 'd', 'a', 10), [[], false])
      assert.deepEqual(keys(machine, 'e', null, 10), [[], false])
    }),
  )

  test(
    'scan: says exactly whether rows were left out',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      machine.apply(['a', 'b', 'c'].map((key) => log.set(key, '')))
      assert.deepEqual(keys(machine, '', null, 2), [['a', 'b'], true])
      assert.deepEqual(keys(machine, '', null, 3), [['a', 'b', 'c'], false])
      assert.deepEqual(keys(machine, '', 'c', 2), [['a', 'b'], false])
      assert.throws(() => machine.scan({ start: bytes(''), end: null }, 0, 1), /at least one/)
    }),
  )

  test(
    'scan: stops before a row that would pass the bytes, but for the first',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      machine.apply(['a', 'b', 'c'].map((key) => log.set(key, '123')))
      assert.deepEqual(keys(machine, '', null, 10, 8), [['a', 'b'], true])
      assert.deepEqual(keys(machine, '', null, 10, 7), [['a'], true])
      assert.deepEqual(keys(machine, '', null, 10, 1), [['a'], true])
      assert.deepEqual(keys(machine, 'c', null, 10, 1), [['c'], false])
      assert.deepEqual(keys(machine, '', null, 10, 12), [['a', 'b', 'c'], false])
    }),
  )

  test(
    'scan: leaves the machine ready for writes when it stops early',
    withMachine(({ machine }) => {
      const log = new LogWriter()
      machine.apply(['a', 'b', 'c'].map((key) => log.set(key, '')))
      keys(machine, '', null, 1)
      machine.apply([log.set('d', '')])
      assert.deepEqual(keys(machine, '', null, 10), [['a', 'b', 'c', 'd'], false])
    }),
  )
}

/** A log whose entries leave their mark on every key: a cut between two of them is seen at once. */
function fill(log: LogWriter, machine: StateEngine, count: number): void {
  machine.apply([log.membership(membershipOf(1))])
  machine.apply(Array.from({ length: count }, (_, i) => log.set(`key-${i}`, `value-${i}`)))
  machine.apply([log.command(txn([], [get('key-0')]), { client: 'c', sequence: 1 })])
}

function snapshotContract(withMachine: WithMachine, withPlace: WithPlace, createPlace: () => StatePlace): void {
  const takeSnapshot = ({ machine }: OpenedState) =>
    settled<NonNullable<ReturnType<OpenedState['snapshots']['newest']>>>((done) => machine.takeSnapshot(CLUSTER_ID, done))

  test(
    'takeSnapshot: describes the cut, and makes it the newest of the store',
    withMachine(async (opened) => {
      fill(new LogWriter(0, 4), opened.machine, 10)
      const taken = await takeSnapshot(opened)
      assert.deepEqual(taken.last, { term: 4, index: 12 })
      assert.deepEqual([taken.membership, taken.membershipIndex, taken.clusterId], [membershipOf(1), 1, CLUSTER_ID])
      assert.deepEqual(opened.snapshots.newest(), taken)
      assert.deepEqual((await takeSnapshot(opened)).id, taken.id)
    }),
  )

  test(
    'takeSnapshot: refuses when there is no membership yet',
    withMachine(async (opened) => {
      opened.machine.apply([new LogWriter().set('a', '1')])
      await assert.rejects(takeSnapshot(opened), (error) => error instanceof StateError && error.code === 'NOTHING_TO_SNAPSHOT')
      assert.equal(opened.snapshots.newest(), null)
    }),
  )

  test(
    'takeSnapshot: is one cut while applies go on',
    withPlace(async (place) => {
      const opened = place.open()
      const { machine, snapshots } = opened
      const log = new LogWriter()
      fill(log, machine, 3000)
      let taken = false
      const snapshot = takeSnapshot(opened).finally(() => {
        taken = true
      })
      // Every entry overwrites all of these, so in a true cut they agree with each other and with its position.
      for (let round = 0; !taken && round < 20_000; round++) {
        const value = String(log.index + 1)
        machine.apply([
          log.command(
            batch(set('key-0', value), set('key-1500', value), set('key-2999', value), set(`new-${round % 50}`, value)),
          ),
        ])
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
      const { last, id } = await snapshot
      assert.ok(last.index < machine.info().applied.index, 'applies went on')
      const other = createPlace()
      try {
        const target = other.open()
        const stored = snapshots.newest()
        assert.ok(stored?.id === id)
        await transfer(snapshots, target.snapshots, stored)
        await settled((done) => target.machine.restore(stored, done))
        assert.equal(target.machine.info().applied.index, last.index)
        const cut = ['key-0', 'key-1500', 'key-2999'].map((key) => rowOf(target.machine, key)?.value)
        const untouched = last.index === 3002
        assert.deepEqual(cut, untouched ? ['value-0', 'value-1500', 'value-2999'] : Array(3).fill(String(last.index)))
      } finally {
        await other.dispose()
      }
    }),
  )

  test(
    'restore: replaces everything, sessions included, and goes on from there',
    withPlace(async (place) => {
      const source = createPlace()
      try {
        const from = source.open()
        const log = new LogWriter()
        fill(log, from.machine, 50)
        from.machine.apply([log.command(batch(set('big', 'x'.repeat(600_000)), set('empty', '')))])
        const taken = await takeSnapshot(from)
        const to = place.open()
        to.machine.apply([new LogWriter().membership(membershipOf(9)), new LogWriter(1).set('leftover', '1')])
        await transfer(from.snapshots, to.snapshots, taken)
        await settled((done) => to.machine.restore(taken, done))
        assert.deepEqual(plainState(to.machine), plainState(from.machine))
        assert.equal(to.machine.durableIndex(), taken.last.index)
        const [again] = answers(to.machine, [
          log.command(txn([], [get('key-0')]), { client: 'c', sequence: 1 }),
          log.set('later', '1'),
        ])
        assert.equal(again?.logId.index, 52)
        assert.equal(rowOf(to.machine, 'key-0')?.value, 'value-0')
        assert.equal(rowOf(to.machine, 'later')?.value, '1')
        assert.equal((await takeSnapshot(to)).last.index, log.index)
      } finally {
        await source.dispose()
      }
    }),
  )

  test(
    'restore: changes nothing when the snapshot is not in the store',
    withMachine(async ({ machine, snapshots }) => {
      fill(new LogWriter(), machine, 5)
      const taken = await takeSnapshot({ machine, snapshots })
      const before = plainState(machine)
      const missing = { ...taken, id: taken.id.replace(/-[0-9a-f]{64}/, `-${'0'.repeat(64)}`), digest: '0'.repeat(64) }
      await assert.rejects(settled((done) => machine.restore(missing, done)))
      assert.deepEqual(plainState(machine), before)
      machine.apply([new LogWriter(7).set('on', 'goes')])
    }),
  )
}

function durabilityContract(withPlace: WithPlace): void {
  test(
    'checkpoint: moves durableIndex to what was applied',
    withPlace(async (place) => {
      const { machine } = place.open()
      const log = new LogWriter()
      fill(log, machine, 20)
      await settled((done) => machine.checkpoint(done))
      assert.equal(machine.durableIndex(), log.index)
      await settled((done) => machine.checkpoint(done))
      assert.equal(machine.durableIndex(), log.index)
    }),
  )

  test(
    'checkpoint: reports later, never from inside the call',
    withPlace(async (place) => {
      const { machine } = place.open()
      let returned = false
      const later = settled<boolean>((done) => machine.checkpoint((error) => done(error, returned)))
      returned = true
      assert.equal(await later, true)
    }),
  )

  test(
    'close: ends what is under way first, and refuses what comes after',
    withPlace(async (place) => {
      const { machine } = place.open()
      fill(new LogWriter(), machine, 20)
      const ends: string[] = []
      const taken = settled((done) => machine.takeSnapshot(CLUSTER_ID, (error) => (ends.push('snapshot'), done(error))))
      const closed = settled((done) => machine.close((error) => (ends.push('close'), done(error))))
      await Promise.all([taken, closed])
      assert.deepEqual(ends, ['snapshot', 'close'])
      assert.throws(() => machine.get(bytes('a')), { code: 'CLOSED' })
      assert.throws(() => machine.apply([]), { code: 'CLOSED' })
      await assert.rejects(
        settled((done) => machine.takeSnapshot(CLUSTER_ID, done)),
        { code: 'CLOSED' },
      )
    }),
  )

  test(
    'close: reports once when it is called where another operation ends',
    withPlace(async (place) => {
      const { machine } = place.open()
      fill(new LogWriter(), machine, 20)
      let closed = 0
      await new Promise<void>((resolve, reject) => {
        machine.takeSnapshot(CLUSTER_ID, () => {
          machine.close((error) => {
            closed++
            if (error === undefined) resolve()
            else reject(error)
          })
        })
      })
      await new Promise<void>((resolve) => setImmediate(resolve))
      assert.equal(closed, 1)
      await assert.rejects(
        settled((done) => machine.close(done)),
        { code: 'CLOSED' },
      )
    }),
  )

  test(
    'open: holds at least what was durable, as replaying the log would leave it',
    withPlace(async (place) => {
      const log = new LogWriter()
      const { machine, snapshots } = place.open()
      fill(log, machine, 30)
      await settled((done) => machine.checkpoint(done))
      const durable = machine.durableIndex()
      const rest = [log.set('key-1', 'again'), log.membership(membershipOf(1, 2)), log.command(batch(del('key-2')))]
      machine.apply(rest)
      const before = plainState(machine)
      await settled((done) => machine.close(done))
      snapshots.close()
      const reopened = place.open().machine
      const { index } = reopened.info().applied
      assert.ok(index >= durable && index <= log.index, `applied ${index}`)
      assert.ok(reopened.durableIndex() <= index)
      reopened.apply(rest.filter((entry) => entry.index > index))
      assert.deepEqual(plainState(reopened), before)
      const [again] = answers(reopened, [log.command(txn([], [get('key-0')]), { client: 'c', sequence: 1 })])
      assert.equal(again?.logId.index, 32)
    }),
  )
}

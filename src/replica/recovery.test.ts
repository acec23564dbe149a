import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RecoveredLog, StoredSnapshot } from '../ports/index.ts'
import { EMPTY_MEMBERSHIP } from '../raft/index.ts'
import type { Entry, LogId } from '../raft/index.ts'
import { encodeMembership } from '../wire/index.ts'
import { EMPTY_LOG, HandLog, HandSnapshots, HandState, membershipOf, storedSnapshot } from './hand-driven-stores.test.ts'
import { hardStateAt, recover, RecoveryError, snapshotToInstall } from './recovery.ts'
import type { Recovered } from './recovery.ts'

const BASE = membershipOf([1, 2])
const TERM = 2

/** A log that begins behind `purged` and ends at `last`, all of one term. */
function logOf(purged: number, last: number, parts: Partial<RecoveredLog> = {}): HandLog {
  return new HandLog({
    ...EMPTY_LOG,
    clusterId: 'c1',
    hardState: { term: 3, votedFor: 2 },
    purged: { term: purged === 0 ? 0 : TERM, index: purged },
    entries: Array.from({ length: last - purged }, (_, i) => ({ index: purged + 1 + i, term: TERM, kind: 'command', size: 1 })),
    ...parts,
  })
}

const stateAt = (index: number): HandState => new HandState(index === 0 ? { term: 0, index: 0 } : { term: TERM, index }, BASE, 1)
const snapshotAt = (index: number, term = TERM): StoredSnapshot => storedSnapshot(index, term)
const toInstall = (log: HandLog, state: HandState, snapshot: StoredSnapshot | null): StoredSnapshot | null =>
  snapshotToInstall(log, state, new HandSnapshots(snapshot))

/** Where a node that recovered stands: the first entry its log may hold, the last, and what is applied. */
const extent = ({ restored }: Recovered): [LogId, number, number] => [
  restored.purged,
  [...restored.entries].length,
  restored.applied,
]

function membershipEntry(index: number, voters: readonly number[], decoded: boolean): Entry {
  const membership = membershipOf(voters)
  const entry: Entry = { index, term: TERM, kind: 'membership', payload: encodeMembership(membership) }
  return decoded ? { ...entry, membership } : entry
}

describe('snapshotToInstall and recover: the table', () => {
  test('a snapshot of another cluster is refused by name, wherever it stands', () => {
    for (const index of [5, 40, 90]) {
      const foreign = { ...snapshotAt(index), clusterId: 'c2' }
      assert.throws(() => toInstall(logOf(0, 40), stateAt(15), foreign), {
        name: 'RecoveryError',
        message: /of cluster c2, and the log of cluster c1/,
      })
    }
  })

  test('an empty node starts with nothing', () => {
    const log = new HandLog()
    assert.equal(toInstall(log, new HandState(), null), null)
    const recovered = recover(log, new HandState(), null)
    assert.deepEqual(recovered, {
      restored: {
        term: 0,
        votedFor: null,
        purged: { term: 0, index: 0 },
        entries: [],
        memberships: [{ index: 0, membership: EMPTY_MEMBERSHIP }],
        applied: 0,
      },
      clusterId: null,
    })
  })

  test('snapshot ahead of the state, the log ends before it: the log is reset, the state restored', () => {
    const [log, state, snapshot] = [logOf(0, 20), stateAt(15), snapshotAt(30)]
    assert.equal(toInstall(log, state, snapshot), snapshot)
    state.restore(snapshot, () => undefined)
    const recovered = recover(log, state, snapshot)
    assert.deepEqual(extent(recovered), [{ term: TERM, index: 30 }, 0, 30])
    assert.deepEqual(recovered.restored.memberships, [{ index: 1, membership: snapshot.membership }])
  })

  test('snapshot ahead of the state, the log is empty: a new node whose first install was cut short', () => {
    const [log, state, snapshot] = [new HandLog(), new HandState(), snapshotAt(30)]
    assert.equal(toInstall(log, state, snapshot), snapshot)
    state.restore(snapshot, () => undefined)
    const recovered = recover(log, state, snapshot)
    assert.deepEqual(extent(recovered), [{ term: TERM, index: 30 }, 0, 30])
    assert.equal(recovered.clusterId, 'c1', 'it joins the cluster of the snapshot')
  })

  test('snapshot ahead of the state, the log has another term there: it contradicts what is committed, and is reset', () => {
    const [log, state, snapshot] = [logOf(0, 40), stateAt(15), snapshotAt(30, 3)]
    assert.equal(toInstall(log, state, snapshot), snapshot)
    state.restore(snapshot, () => undefined)
    assert.deepEqual(extent(recover(log, state, snapshot)), [{ term: 3, index: 30 }, 0, 30])
  })

  test('snapshot ahead of the state, the log begins behind its index in another term: the log is reset', () => {
    const [log, state, snapshot] = [logOf(30, 40), stateAt(15), snapshotAt(30, 3)]
    assert.equal(toInstall(log, state, snapshot), snapshot)
    state.restore(snapshot, () => undefined)
    assert.deepEqual(extent(recover(log, state, snapshot)), [{ term: 3, index: 30 }, 0, 30])
  })

  test('snapshot ahead of the state, the log was reset to it already: only the state is restored', () => {
    const [log, state, snapshot] = [logOf(30, 30), stateAt(15), snapshotAt(30)]
    assert.equal(toInstall(log, state, snapshot), snapshot)
    state.restore(snapshot, () => undefined)
    assert.deepEqual(extent(recover(log, state, snapshot)), [{ term: TERM, index: 30 }, 0, 30])
  })

  test('snapshot ahead of the state, the log has its position and everything since: the log is replayed', () => {
    for (const purged of [0, 15]) {
      const [log, state] = [logOf(purged, 40), stateAt(15)]
      assert.equal(toInstall(log, state, snapshotAt(30)), null)
      assert.deepEqual(extent(recover(log, state, null)).slice(1), [40 - purged, 15])
    }
  })

  test('snapshot ahead of the state, the log has its position but is purged in between: the state is restored, the log stays', () => {
    const [log, state, snapshot] = [logOf(20, 40), stateAt(15), snapshotAt(30)]
    assert.equal(toInstall(log, state, snapshot), snapshot)
    state.restore(snapshot, () => undefined)
    assert.deepEqual(extent(recover(log, state, snapshot)), [{ term: TERM, index: 20 }, 20, 30])
  })

  test('any snapshot behind a state that lies within the log: what is behind `applied` is replayed', () => {
    for (const snapshot of [null, snapshotAt(5), snapshotAt(20), snapshotAt(25)]) {
      for (const applied of [25, 30, 40]) {
        const [log, state] = [logOf(20, 40), stateAt(applied)]
        assert.equal(toInstall(log, state, snapshot), null)
        assert.deepEqual(extent(recover(log, state, null)), [{ term: TERM, index: 20 }, 20, applied])
      }
    }
  })

  test('a state at the purged position is within the log', () => {
    const [log, state] = [logOf(20, 40), stateAt(20)]
    assert.equal(toInstall(log, state, null), null)
    assert.equal(recover(log, state, null).restored.applied, 20)
  })

  test('state ahead of the end of the log, no snapshot or one behind it: refused, entries were lost', () => {
    for (const snapshot of [null, snapshotAt(30), snapshotAt(45)]) {
      const [log, state] = [logOf(0, 40), stateAt(50)]
      assert.equal(toInstall(log, state, snapshot), null)
      assert.throws(() => recover(log, state, null), { name: 'RecoveryError', message: /applied entry 50.*ends at entry 40/ })
    }
    assert.throws(() => recover(new HandLog(), stateAt(1), null), RecoveryError)
  })

  test('state behind the purged position, no snapshot or one behind it: refused, what lies between is gone', () => {
    for (const snapshot of [null, snapshotAt(5), snapshotAt(12), snapshotAt(19)]) {
      const [log, state] = [logOf(20, 40), stateAt(10)]
      assert.equal(toInstall(log, state, snapshot), null, 'an older snapshot must not take the log back')
      assert.throws(() => recover(log, state, null), { name: 'RecoveryError', message: /ends at entry 10.*after entry 20/ })
    }
  })
})

describe('a state that opens from its snapshot', () => {
  const opened = (index: number): HandState => Object.assign(stateAt(index), { opensFromSnapshot: true })

  test('the log was not reset yet when the node stopped: it is reset to the snapshot', () => {
    const [log, state, snapshot] = [logOf(0, 20), opened(30), snapshotAt(30)]
    assert.equal(toInstall(log, state, snapshot), snapshot)
    assert.deepEqual(extent(recover(log, state, snapshot)), [{ term: TERM, index: 30 }, 0, 30])
  })

  test('the log goes on behind it: it is replayed', () => {
    const [log, state, snapshot] = [logOf(20, 40), opened(30), snapshotAt(30)]
    assert.equal(toInstall(log, state, snapshot), null)
    assert.deepEqual(extent(recover(log, state, null)), [{ term: TERM, index: 20 }, 20, 30])
  })

  test('any other state at the snapshot, ahead of the end of the log: refused, entries were lost', () => {
    const [log, state] = [logOf(0, 20), stateAt(30)]
    assert.equal(toInstall(log, state, snapshotAt(30)), null)
    assert.throws(() => recover(log, state, null), RecoveryError)
  })
})

describe('recover: what it reads', () => {
  test('recover: the term is never before that of the snapshot the log was reset to, and its vote is open', () => {
    const log = logOf(0, 20)
    const cases = [
      [snapshotAt(30, 2), 3, 2],
      [snapshotAt(30, 3), 3, 2],
      [snapshotAt(30, 5), 5, null],
    ] as const
    for (const [snapshot, term, votedFor] of cases) {
      const state = stateAt(15)
      state.restore(snapshot, () => undefined)
      const { restored } = recover(log, state, snapshot)
      assert.deepEqual({ term: restored.term, votedFor: restored.votedFor }, { term, votedFor })
      assert.deepEqual(hardStateAt(log, snapshot), { term, votedFor })
    }
  })

  test('recover: takes term and vote from the hard state, and the cluster from the log', () => {
    const { restored, clusterId } = recover(logOf(0, 40), stateAt(15), null)
    assert.deepEqual([restored.term, restored.votedFor, clusterId], [3, 2, 'c1'])
  })

  test('recover: keeps the configurations behind that of the state, decoded or not', () => {
    const memberships = [membershipEntry(1, [1], true), membershipEntry(12, [1, 2, 3], true), membershipEntry(30, [1, 3], false)]
    const log = logOf(0, 40, { memberships })
    const state = new HandState({ term: TERM, index: 20 }, membershipOf([1, 2, 3]), 12)
    assert.deepEqual(recover(log, state, null).restored.memberships, [
      { index: 12, membership: membershipOf([1, 2, 3]) },
      { index: 30, membership: membershipOf([1, 3]) },
    ])
  })

  test('recover: forgets the configurations of a log that was reset', () => {
    const log = logOf(0, 40, { memberships: [membershipEntry(35, [1], true)] })
    const [state, snapshot] = [stateAt(15), snapshotAt(30, 3)]
    state.restore(snapshot, () => undefined)
    assert.deepEqual(recover(log, state, snapshot).restored.memberships, [
      { index: snapshot.membershipIndex, membership: snapshot.membership },
    ])
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Prng } from '../lib/index.ts'
import { becomeFollower } from './election.ts'
import { handleSnapshot } from './follower.ts'
import { ForgottenPromise } from './forgotten-promise.ts'
import { checkThoroughly } from './invariants.ts'
import { linkClosed } from './leader.ts'
import { initialMembership } from './membership.ts'
import { Progress } from './progress.ts'
import { checkReminder } from './reminder.ts'
import { RaftState } from './state.ts'
import type { LogId, Member, NodeId } from './types.ts'

const keyOf = (id: NodeId): string => String(id).padStart(64, '0')
const member = (id: NodeId): Member => ({ id, endpointId: keyOf(id), addresses: [] })
const MEMBERSHIP = initialMembership([member(1), member(2), member(3)])
const NOTHING: LogId = { term: 0, index: 0 }

/** Node 1, restored in term 4 with entries of terms 1, 2, 2, 4 behind `purged`, of which `applied` are known to be committed. */
function restored({ applied = 2, purged = NOTHING }: { readonly applied?: number; readonly purged?: LogId } = {}): RaftState {
  return new RaftState(
    {
      id: 1,
      endpointId: keyOf(1),
      timings: { heartbeatIntervalMs: 20, electionTimeoutMinMs: 60, electionTimeoutMaxMs: 120 },
      random: new Prng(1),
      incarnation: 1,
      encodeMembership: () => new Uint8Array(1),
    },
    {
      term: 4,
      votedFor: null,
      purged,
      entries: [1, 2, 2, 4].slice(purged.index).map((term) => ({ term, size: 1 })),
      memberships: [{ index: Math.min(1, applied), membership: MEMBERSHIP }],
      applied,
    },
  )
}

/** It leads term 4, and these peers have acknowledged entries up to these. */
function leading(matches: readonly (readonly [NodeId, number])[], state = restored({ applied: 3 })): RaftState {
  state.setRole('leader', 1)
  for (const [id, match] of matches) {
    const progress = new Progress(5, 0)
    progress.acknowledge(match, 0)
    state.progress.set(id, progress)
  }
  return state
}

describe('noteHeld', () => {
  test('noteHeld: what a peer has acknowledged of what is committed outlives the reign, the link, and later reigns with less', () => {
    const state = leading([
      [2, 4],
      [3, 2],
    ])
    linkClosed(state, 3)
    assert.deepEqual([state.held.get(keyOf(2)), state.held.get(keyOf(3))], [undefined, { term: 2, index: 2 }])
    becomeFollower(state, 5, null)
    assert.equal(state.progress.size, 0)
    assert.deepEqual(state.held.get(keyOf(2)), { term: 2, index: 3 }, 'entry 4 is not committed')
    becomeFollower(leading([[2, 1]], state), 6, 3)
    assert.deepEqual(state.held.get(keyOf(2)), { term: 2, index: 3 })
    checkThoroughly(state)
  })

  test('noteHeld: nothing is said of a peer that has acknowledged nothing, leaves, is purged past, or has left', () => {
    const state = leading([[3, 0]])
    state.held.set(keyOf(9), { term: 2, index: 2 })
    const leaving = new Progress(5, 0)
    leaving.acknowledge(3, 0)
    leaving.departingAt = 3
    state.progress.set(2, leaving)
    becomeFollower(state, 5, null)
    assert.deepEqual([...state.held.keys()], [keyOf(9)])
    const purged = leading([[2, 1]], restored({ applied: 3, purged: { term: 2, index: 2 } }))
    becomeFollower(purged, 5, null)
    assert.equal(purged.held.size, 0)
    becomeFollower(leading([[2, 2]], state), 6, null)
    assert.deepEqual([...state.held.keys()], [keyOf(2)], 'a key that has left is forgotten')
  })

  test('checkThoroughly: notices what a peer is said to hold that is not committed, or is another entry', () => {
    const state = leading([])
    state.held.set(keyOf(2), { term: 4, index: 4 })
    assert.throws(() => checkThoroughly(state), /is said to hold entry 4 of what is committed; that is 3/)
    state.held.set(keyOf(2), { term: 1, index: 3 })
    assert.throws(() => checkThoroughly(state), /is said to hold entry 3 of term 1/)
  })
})

describe('checkReminder', () => {
  const remind = (state: RaftState, term: number, held: LogId, ofFormerLives: boolean) => (): void =>
    checkReminder(state, 2, { term, held }, ofFormerLives)

  test('checkReminder: a life that has all that former ones promised goes on, and so does one reminded of its own', () => {
    const state = restored()
    for (const held of [NOTHING, { term: 1, index: 1 }, { term: 2, index: 3 }, { term: 4, index: 4 }]) {
      for (const former of [true, false]) remind(state, 4, held, former)()
    }
    assert.equal(state.counters.reminders, 4)
    remind(restored({ purged: { term: 2, index: 2 } }), 0, { term: 1, index: 1 }, true)()
  })

  test('checkReminder: a term of a former life that the disk does not know has been forgotten, also when it was learnt again', () => {
    const state = restored()
    assert.throws(remind(state, 5, NOTHING, true), ForgottenPromise)
    becomeFollower(state, 6, 3)
    assert.throws(
      remind(state, 5, NOTHING, true),
      /^ForgottenPromise: node 1 spoke to node 2 in term 5, and its log knows of none after 4: an old copy/,
    )
    remind(state, 6, NOTHING, false)()
    assert.throws(remind(state, 7, NOTHING, false), ForgottenPromise)
  })

  test('checkReminder: a committed entry that a former life acknowledged has been forgotten, also when it is there again', () => {
    const held = { term: 4, index: 5 }
    const state = restored()
    for (const former of [true, false]) {
      assert.throws(
        remind(state, 4, held, former),
        /node 1 acknowledged entry 5 of term 4 to node 2, which is committed, and its log lacks it/,
      )
    }
    state.log.append(4, 1)
    assert.throws(remind(state, 4, held, true), ForgottenPromise)
    remind(state, 4, held, false)()
  })

  test('checkReminder: where another entry stands, or stood, it has been forgotten', () => {
    const held = { term: 3, index: 3 }
    const state = restored()
    for (const former of [true, false]) assert.throws(remind(state, 4, held, former), ForgottenPromise)
    state.truncateFrom(3)
    state.log.append(3, 1)
    assert.throws(remind(state, 4, held, true), ForgottenPromise)
    remind(state, 4, held, false)()
    remind(state, 4, { term: 2, index: 2 }, true)()
  })

  test('checkReminder: the same where a snapshot has taken its place', () => {
    const state = restored()
    const snapshot = { last: { term: 3, index: 3 }, membership: MEMBERSHIP, membershipIndex: 1 }
    handleSnapshot(state, { type: 'snapshot', from: 2, to: 1, term: 4, snapshot })
    assert.equal(state.log.purged.index, 3)
    assert.throws(remind(state, 4, { term: 3, index: 3 }, true), ForgottenPromise)
    remind(state, 4, { term: 3, index: 3 }, false)()
  })
})

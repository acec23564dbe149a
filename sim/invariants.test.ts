import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SafetyChecker, SafetyViolation } from './invariants.ts'
import type { EntryIdentity, FoundState } from './invariants.ts'

const NOTHING: FoundState = { term: 0, votedFor: null, purged: { term: 0, index: 0 }, entries: [], applied: 0 }

function entry(index: number, term: number, digest = 100 * term + index): EntryIdentity {
  return { index, term, digest }
}

/** Three fresh nodes that all have the entries (1, 1) and (1, 2), led by node 1. */
function three(trustsDisks = true): SafetyChecker {
  const checker = new SafetyChecker(trustsDisks)
  for (const node of [1, 2, 3]) {
    checker.started(node, NOTHING)
    checker.hardState(node, 1, 1)
    checker.hardStateDurable(node, 1, 1)
    checker.appended(node, entry(1, 1))
    checker.appended(node, entry(2, 1))
    checker.logDurable(node)
  }
  checker.leads(1, 1, () => 1)
  return checker
}

function violates(property: string, run: () => void): void {
  assert.throws(run, (error) => error instanceof SafetyViolation && error.property === property)
}

test('SafetyChecker: allows one leader a term, however often it is seen', () => {
  const checker = three()
  checker.leads(1, 1, () => 1)
  checker.leads(2, 2, () => 1)
  violates('election safety', () => checker.leads(3, 2, () => 1))
  checker.leads(2, 3, () => 1, 'old key')
  violates('election safety', () => checker.leads(2, 3, () => 1, 'new key'))
})

test('SafetyChecker: finds logs that share an entry but not its content or its predecessor', () => {
  violates('log matching', () => {
    const checker = three()
    checker.appended(1, entry(3, 1))
    checker.appended(2, entry(3, 1, 999))
  })
  violates('log matching', () => {
    const checker = three()
    checker.appended(1, entry(3, 1))
    checker.appended(1, entry(4, 3))
    checker.appended(2, entry(3, 2))
    checker.appended(2, entry(4, 3))
  })
})

test('SafetyChecker: finds a leader without an entry that an earlier term committed', () => {
  const checker = three()
  checker.commits(1, 2, 1, () => 1)
  checker.leads(2, 2, () => 1)
  violates('leader completeness', () => checker.leads(3, 3, (index) => (index === 1 ? 1 : undefined)))
})

test('SafetyChecker: lets a deposed leader of an earlier term be seen late', () => {
  const checker = three()
  checker.leads(3, 3, () => 1)
  checker.commits(3, 2, 3, () => 1)
  checker.leads(2, 2, () => undefined)
})

test('SafetyChecker: finds two nodes that commit different entries at one index', () => {
  const checker = three()
  checker.commits(1, 2, 1, () => 1)
  violates('state machine safety', () => checker.commits(2, 2, null, (index) => index))
})

test('SafetyChecker: finds a commit index that falls, and entries applied out of turn', () => {
  const checker = three()
  checker.commits(1, 2, 1, () => 1)
  violates('monotonic commit', () => checker.commits(1, 1, 1, () => 1))
  violates('apply after commit', () => checker.applied(2, entry(1, 1)))
  violates('state machine safety', () => checker.applied(1, entry(2, 1)))
  checker.applied(1, entry(1, 1))
  violates('state machine safety', () => checker.applied(1, entry(2, 1, 999)))
})

test('SafetyChecker: finds a committed entry that leaves a log', () => {
  const checker = three()
  checker.appended(2, entry(3, 1))
  checker.commits(1, 2, 1, () => 1)
  checker.truncated(2, 3)
  violates('commit is final', () => checker.truncated(2, 2))
})

test('SafetyChecker: lets a node that never reached the term of a commit follow a leader before it', () => {
  const behind = (term: number): SafetyChecker => {
    const checker = three()
    // Node 2 led term 2 without having the second entry; node 1 has committed it in term 3.
    checker.hardState(3, term, null)
    checker.commits(1, 2, 3, () => 1)
    return checker
  }
  behind(2).truncated(3, 2)
  violates('commit is final', () => behind(3).truncated(3, 2))
  const told = behind(2)
  told.commits(3, 2, null, () => 1)
  violates('commit is final', () => told.truncated(3, 2))
})

test('SafetyChecker: finds a vote given twice in a term, and a term that goes back', () => {
  const checker = three()
  violates('one vote a term', () => checker.hardState(2, 1, 3))
  checker.hardState(2, 2, null)
  checker.hardState(2, 2, 3)
  violates('monotonic term', () => checker.hardState(2, 1, 1))
})

test('SafetyChecker: finds after a restart that a durable vote or entry is gone, if it is to trust disks', () => {
  const kept = { ...NOTHING, term: 1, votedFor: 1, entries: [entry(1, 1), entry(2, 1)] }
  three().started(2, kept)
  violates('durable vote', () => three().started(2, { ...kept, votedFor: null }))
  violates('durable log', () => three().started(2, { ...kept, entries: [entry(1, 1)] }))
  three(false).started(2, NOTHING)
})

test('SafetyChecker: does not miss what was never durable, or what a truncation under way removed', () => {
  const unsynced = three()
  unsynced.appended(2, entry(3, 1))
  unsynced.started(2, { ...NOTHING, term: 1, votedFor: 1, entries: [entry(1, 1), entry(2, 1)] })
  const truncating = three()
  truncating.truncated(2, 2)
  truncating.started(2, { ...NOTHING, term: 1, votedFor: 1, entries: [entry(1, 1)] })
})

test('SafetyChecker: finds an acknowledgement of what is not committed, or committed as something else', () => {
  const checker = three()
  checker.commits(1, 1, 1, () => 1)
  checker.acknowledged(1, 1)
  violates('acknowledged writes are never lost', () => checker.acknowledged(2, 1))
  violates('acknowledged writes are never lost', () => checker.acknowledged(1, 2))
})

test('SafetyChecker: finds a snapshot of what was never committed', () => {
  const checker = three()
  checker.commits(1, 2, 1, () => 1)
  checker.reset(3, { term: 1, index: 2 })
  checker.restored(3, 2)
  violates('state machine safety', () => checker.reset(2, { term: 2, index: 2 }))
  violates('state machine safety', () => checker.restored(2, 3))
})

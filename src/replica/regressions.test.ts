/** Courses of events that once went wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes, Prng } from '../lib/index.ts'
import { silentLogger } from '../ports/index.ts'
import type { LinkedPeer } from '../ports/index.ts'
import { Raft } from '../raft/index.ts'
import { encodeMembership, encodePeerMessage } from '../wire/index.ts'
import { Compactor } from './compactor.ts'
import { Directory } from './directory.ts'
import {
  Answers,
  countingMetrics,
  HandLog,
  HandSnapshots,
  HandState,
  keyOf,
  membershipOf,
  storedSnapshot,
} from './hand-driven-stores.test.ts'
import { Intake } from './intake.ts'
import { MembershipAdmin } from './membership-admin.ts'
import { SnapshotExchange } from './snapshot-exchange.ts'
import { SnapshotReceiver } from './snapshot-receiver.ts'

const nop = (): void => undefined

test('Intake: a message for another node does not make this one adopt a cluster', () => {
  const directory = new Directory(1)
  let cluster: string | null = null
  const intake = new Intake({
    nodeId: 1,
    directory,
    metrics: countingMetrics().metrics,
    term: () => 0,
    clusterId: () => cluster,
    adopt: (id) => {
      cluster = id
    },
    raft: nop,
    forward: nop,
    forwardReply: nop,
    linked: nop,
    snapshotChunk: nop,
    snapshotProgress: nop,
    linkOpened: nop,
    linkClosed: nop,
    linkEnded: nop,
    crashed: nop,
    guard: (run) => run(),
  })
  intake.opened({ endpointId: keyOf(2), claims: { nodeId: 2, clusterId: 'c7', addresses: [] } })
  intake.message(
    keyOf(2),
    concatBytes(
      encodePeerMessage({
        type: 'raft',
        message: { type: 'heartbeat', from: 2, to: 5, term: 1, commit: 0, incarnation: 1, round: 0 },
      }),
    ),
  )
  assert.equal(cluster, null)
})

function core(): { raft: Raft; admin: MembershipAdmin; turn: () => void; links: LinkedPeer[] } {
  const timings = { heartbeatIntervalMs: 10_000, electionTimeoutMinMs: 100_000, electionTimeoutMaxMs: 200_000 }
  const raft = new Raft(
    { id: 1, endpointId: keyOf(1), timings, random: new Prng(1), incarnation: 7, encodeMembership },
    {
      term: 1,
      votedFor: null,
      purged: { term: 0, index: 0 },
      entries: [{ term: 1, size: 1 }],
      memberships: [{ index: 1, membership: membershipOf([1, 2]) }],
      applied: 1,
    },
    0,
  )
  let applied = 1
  const links: LinkedPeer[] = []
  const admin = new MembershipAdmin({
    raft,
    now: () => 0,
    applied: () => applied,
    links: () => links,
    reports: () => [],
    nodeIdHint: () => null,
    clusterId: () => 'c1',
    isLinked: () => true,
    changed: () => undefined,
  })
  const turn = (): void => {
    for (let e = raft.take(); e !== undefined; e = raft.take()) {
      if (e.persist !== undefined) raft.persisted(e.id)
      applied = e.apply?.last ?? applied
    }
    admin.progress()
  }
  raft.tick(200_000)
  turn()
  for (const preVote of [true, false]) {
    raft.step({ type: 'vote-response', from: 2, to: 1, term: 2, preVote, granted: true })
    turn()
  }
  raft.step({
    type: 'append-response',
    from: 2,
    to: 1,
    term: 2,
    success: true,
    match: raft.lastLog.index,
    rejected: 0,
    hint: { term: 0, index: 0 },
    incarnation: 7,
    round: 0,
  })
  turn()
  assert.equal(raft.role, 'leader')
  return { raft, admin, turn, links }
}

test('Intake: the offer of a whole snapshot is never taken from a link', () => {
  const stepped: string[] = []
  const directory = new Directory(1)
  const intake = new Intake({
    nodeId: 1,
    directory,
    metrics: countingMetrics().metrics,
    term: () => 0,
    clusterId: () => 'c7',
    adopt: nop,
    raft: (message) => stepped.push(message.type),
    forward: nop,
    forwardReply: nop,
    linked: nop,
    snapshotChunk: nop,
    snapshotProgress: nop,
    linkOpened: nop,
    linkClosed: nop,
    linkEnded: nop,
    crashed: nop,
    guard: (run) => run(),
  })
  intake.opened({ endpointId: keyOf(2), claims: { nodeId: 2, clusterId: 'c7', addresses: [] } })
  const snapshot = { last: { term: 1, index: 5 }, membership: membershipOf([1, 2]), membershipIndex: 1 }
  const offer = encodePeerMessage({ type: 'raft', message: { type: 'snapshot', from: 2, to: 1, term: 1, snapshot } })
  intake.message(keyOf(2), concatBytes(offer))
  assert.deepEqual(stepped, [])
})

test('MembershipAdmin: add-learner again, while the first is not committed, is not answered with success', () => {
  const { admin, turn, links } = core()
  links.push({ endpointId: keyOf(3), claims: { nodeId: 3, clusterId: null, addresses: [] } })
  const answers = new Answers<unknown>()
  admin.submit({ op: 'add-learner', nodeId: 3, endpointId: null }, 9e9, answers.reply('first'))
  turn()
  admin.submit({ op: 'add-learner', nodeId: 3, endpointId: null }, 9e9, answers.reply('second'))
  turn()
  assert.deepEqual(answers.outcomes, [])
})

test('MembershipAdmin: a change to a configuration that is not committed is not answered with success', () => {
  const { raft, admin, turn, links } = core()
  links.push({ endpointId: keyOf(3), claims: { nodeId: 3, clusterId: null, addresses: [] } })
  const answers = new Answers<unknown>()
  admin.submit({ op: 'add-learner', nodeId: 3, endpointId: null }, 9e9, answers.reply('first'))
  turn()
  admin.submit({ op: 'change-membership', members: [1, 2], learners: [3] }, 9e9, answers.reply('second'))
  turn()
  assert.deepEqual(answers.outcomes, [])
  assert.ok(raft.commitIndex < raft.membershipIndex)
})

test('Compactor: a reply that asks for another snapshot is answered too', () => {
  const state = new HandState()
  const answers = new Answers<unknown>()
  const c = new Compactor({
    nodeId: 1,
    positionBefore: () => 0,
    heldIndex: () => 0,
    stateMachine: state,
    retainedEntries: 1,
    checkpointIntervalEntries: 100,
    clusterId: () => 'c',
    applied: () => 5,
    purgedIndex: () => 0,
    purge: () => undefined,
    failed: () => undefined,
  })
  c.takeSnapshot(() => c.takeSnapshot(answers.reply('again')))
  c.takeSnapshot(answers.reply('queued'))
  for (let i = 0; i < 8; i++) state.pending.shift()?.done(undefined, storedSnapshot(5))
  assert.deepEqual(answers.outcomes.toSorted(), ['again: ok', 'queued: ok'])
})

function receiving(): { snapshots: HandSnapshots; events: string[]; receiver: SnapshotReceiver } {
  const snapshots = new HandSnapshots()
  const events: string[] = []
  const receiver = new SnapshotReceiver({
    nodeId: 1,
    snapshots,
    send: () => undefined,
    arrived: (_f, _t, s) => events.push(`arrived ${s.last.index}`),
    rejected: () => events.push('rejected'),
    failed: () => events.push('failed'),
  })
  return { snapshots, events, receiver }
}

test('SnapshotReceiver: a refused snapshot does not end the good transfer at hand', () => {
  const { snapshots, events, receiver } = receiving()
  const s = storedSnapshot(50, 2, 30)
  const chunk = (position: number, n: number, snapshot = s) =>
    receiver.receive({ type: 'snapshot-chunk', from: 2, term: 3, snapshot, position, bytes: new Uint8Array(n) })
  chunk(0, 10)
  snapshots.next()
  chunk(0, 0, { ...s, id: '' })
  chunk(10, 20)
  while (snapshots.pending > 0) snapshots.next()
  assert.ok(events.includes('arrived 50'), events.join())
})

test('SnapshotReceiver: a snapshot that is whole is finished, also when another was offered meanwhile', () => {
  const { snapshots, events, receiver } = receiving()
  const a = storedSnapshot(50, 2, 30)
  const b = storedSnapshot(40, 2, 30)
  receiver.receive({ type: 'snapshot-chunk', from: 2, term: 3, snapshot: a, position: 0, bytes: new Uint8Array(30) })
  receiver.receive({ type: 'snapshot-chunk', from: 2, term: 3, snapshot: b, position: 0, bytes: new Uint8Array(0) })
  while (snapshots.pending > 0) snapshots.next()
  assert.ok(events.includes('arrived 50'), events.join())
})

test('Directory: the key of a member speaks for no other id', () => {
  const d = new Directory(1)
  d.follow(membershipOf([1, 2, 3]))
  d.linked({ endpointId: keyOf(2), claims: { nodeId: 9, clusterId: 'c1', addresses: [] } })
  assert.equal(d.idOf(keyOf(2)), undefined)
})

test('SnapshotExchange: a snapshot that is sent again after it was installed does not stop the next one', () => {
  const timings = { heartbeatIntervalMs: 10_000, electionTimeoutMinMs: 100_000, electionTimeoutMaxMs: 200_000 }
  const raft = new Raft(
    { id: 1, endpointId: keyOf(1), timings, random: new Prng(1), incarnation: 7, encodeMembership },
    {
      term: 3,
      votedFor: null,
      purged: { term: 0, index: 0 },
      entries: [{ term: 1, size: 1 }],
      memberships: [{ index: 1, membership: membershipOf([1, 2]) }],
      applied: 1,
    },
    0,
  )
  const [log, state, snapshots] = [new HandLog(), new HandState({ term: 1, index: 1 }), new HandSnapshots()]
  const restored: number[] = []
  const ex = new SnapshotExchange({
    nodeId: 1,
    raft,
    log,
    stateMachine: state,
    snapshots,
    compactor: new Compactor({
      nodeId: 1,
      positionBefore: () => 0,
      heldIndex: () => 0,
      stateMachine: state,
      retainedEntries: 1,
      checkpointIntervalEntries: 100,
      clusterId: () => 'c',
      applied: () => 1,
      purgedIndex: () => 0,
      purge: nop,
      failed: nop,
    }),
    logger: silentLogger,
    now: () => 0,
    setTimer: () => ({ cancel: nop }),
    send: () => true,
    failed: (e) => assert.fail(e),
    input: (run) => run(),
    restored: (s) => restored.push(s.last.index),
  })
  raft.step({ type: 'heartbeat', from: 2, to: 1, term: 3, commit: 0, incarnation: 1, round: 0 })
  const turn = (): void => {
    for (let e = raft.take(); e !== undefined; e = raft.take()) {
      if (e.restore !== undefined) {
        ex.restore(e.restore, { term: 3, votedFor: null }, (error) => assert.equal(error, undefined))
        log.finish()
      }
      if (e.persist !== undefined || e.restore !== undefined) raft.persisted(e.id)
    }
  }
  turn()
  const offer = (index: number): void => {
    const snapshot = storedSnapshot(index, 2, 30)
    snapshots.held = 30
    ex.chunk({ type: 'snapshot-chunk', from: 2, term: 3, snapshot, position: 0, bytes: new Uint8Array(0) })
    while (snapshots.pending > 0) snapshots.next()
    turn()
  }
  offer(50)
  assert.deepEqual(restored, [50])
  offer(50) // the acknowledgement was lost with the link: the leader offers it again
  offer(50)
  offer(80)
  assert.deepEqual(restored, [50, 80])
})

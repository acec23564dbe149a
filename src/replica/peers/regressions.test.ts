/** Courses of events between nodes that once went wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes, Prng } from '../../lib/index.ts'
import { Raft } from '../../raft/index.ts'
import type { Message } from '../../raft/index.ts'
import { encodeMembership, encodePeerMessage } from '../../wire/index.ts'
import type { SnapshotChunk } from '../../wire/index.ts'
import { handContext, handLoop } from '../hand-context.test.ts'
import {
  countingMetrics,
  HandLog,
  HandSnapshots,
  HandState,
  keyOf,
  membershipOf,
  storedSnapshot,
} from '../hand-driven-stores.test.ts'
import { ClusterBinding, Snapshots } from '../turn/index.ts'
import { Directory } from './directory.ts'
import { Intake } from './intake.ts'
import { SnapshotExchange } from './snapshot-exchange.ts'
import { SnapshotReceiver } from './snapshot-receiver.ts'

const nop = (): void => undefined

/** Node 1 of a cluster, which hands messages of consensus to `step`. */
function intakeOf(directory: Directory, cluster: ClusterBinding, step: (message: Message) => void): Intake {
  const raft = { id: 1, term: 0, tick: nop, step, linkOpened: nop, linkClosed: nop, peerCrashed: nop }
  const context = handContext({ loop: handLoop(assert.fail), raft, cluster })
  const exchange = { chunk: nop, wanted: nop, progressed: nop, acknowledged: nop, linkClosed: nop }
  const news = {
    linked: nop,
    unlinked: nop,
    followMembership: nop,
    reported: nop,
    judged: nop,
    spoke: nop,
    remind: nop,
    reminded: nop,
    join: (id: string) => cluster.join(id),
  }
  return new Intake(context, directory, exchange, news, { forwarded: nop, answered: nop, linkOpened: nop, linkClosed: nop })
}

test('Intake: a message for another node does not make this one adopt a cluster', () => {
  const directory = new Directory(1)
  const cluster = new ClusterBinding(null)
  const intake = intakeOf(directory, cluster, nop)
  intake.opened({ endpointId: keyOf(2), claims: { nodeId: 2, clusterId: 'c7', addresses: [], languageVersion: 1 } })
  intake.message(
    keyOf(2),
    concatBytes(
      encodePeerMessage({
        type: 'raft',
        message: { type: 'heartbeat', from: 2, to: 5, term: 1, commit: 0, incarnation: 1, round: 0 },
      }),
    ),
  )
  assert.equal(cluster.id, null)
})

test('Intake: the offer of a whole snapshot is never taken from a link', () => {
  const stepped: string[] = []
  const directory = new Directory(1)
  const intake = intakeOf(directory, new ClusterBinding('c7'), ({ type }) => stepped.push(type))
  intake.opened({ endpointId: keyOf(2), claims: { nodeId: 2, clusterId: 'c7', addresses: [], languageVersion: 1 } })
  const snapshot = { last: { term: 1, index: 5 }, membership: membershipOf([1, 2]), membershipIndex: 1 }
  const offer = encodePeerMessage({ type: 'raft', message: { type: 'snapshot', from: 2, to: 1, term: 1, snapshot } })
  intake.message(keyOf(2), concatBytes(offer))
  assert.deepEqual(stepped, [])
})

function receiving(): { snapshots: HandSnapshots; events: string[]; receiver: SnapshotReceiver } {
  const snapshots = new HandSnapshots()
  const events: string[] = []
  const context = handContext({ loop: handLoop(assert.fail), raft: { id: 1 } })
  const receiver = new SnapshotReceiver(
    context,
    snapshots,
    { send: () => true },
    {
      arrived: (_from, _term, { last }) => events.push(`arrived ${last.index}`),
    },
  )
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
  d.linked({ endpointId: keyOf(2), claims: { nodeId: 9, clusterId: 'c1', addresses: [], languageVersion: 1 } })
  assert.equal(d.idOf(keyOf(2)), undefined)
})

/** A follower of node 2 in cluster c1, which takes in snapshots. */
function follower(): {
  raft: Raft
  log: HandLog
  snapshots: HandSnapshots
  exchange: SnapshotExchange
  cluster: ClusterBinding
  refused: () => number
} {
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
  const [log, stateMachine, snapshots] = [new HandLog(), new HandState({ term: 1, index: 1 }), new HandSnapshots()]
  const cluster = new ClusterBinding('c1')
  const { metrics, counts } = countingMetrics()
  const context = handContext({ loop: handLoop(assert.fail), raft, cluster, metrics })
  const taking = new Snapshots(context, stateMachine)
  const exchange = new SnapshotExchange(context, { log, stateMachine, snapshots }, taking, { send: () => true })
  raft.step({ type: 'heartbeat', from: 2, to: 1, term: 3, commit: 0, incarnation: 1, round: 0 })
  const refused = (): number => counts.get('aspen_peer_messages_refused_total cluster') ?? 0
  return { raft, log, snapshots, exchange, cluster, refused }
}

function offer(index: number, clusterId: string): SnapshotChunk {
  const snapshot = { ...storedSnapshot(index, 2, 30), clusterId }
  return { type: 'snapshot-chunk', from: 2, term: 3, snapshot, position: 0, bytes: new Uint8Array(0) }
}

test('SnapshotExchange: a snapshot of another cluster is not taken in, and the node goes on', () => {
  const { snapshots, exchange, refused } = follower()
  exchange.chunk(offer(50, 'c2'))
  assert.deepEqual([snapshots.calls, refused()], [[], 1])
  exchange.chunk(offer(50, 'c1'))
  assert.deepEqual([snapshots.calls, refused()], [['receive 50'], 1])
})

test('SnapshotExchange: what is of another cluster by now replaces no log', () => {
  const { raft, log, snapshots, exchange, cluster } = follower()
  snapshots.held = 30
  exchange.chunk(offer(50, 'c1'))
  while (snapshots.pending > 0) snapshots.next()
  const restore = raft.take()?.restore
  assert.ok(restore !== undefined)
  cluster.join('c2')
  const outcomes: (string | undefined)[] = []
  exchange.install(restore, { term: 3, votedFor: null }, (error) => outcomes.push(error?.message))
  assert.match(outcomes[0] ?? '', /of cluster c1, and this node of c2/)
  assert.deepEqual(log.calls, [])
})

test('SnapshotExchange: a snapshot that is sent again after it was installed does not stop the next one', () => {
  const { raft, log, snapshots, exchange } = follower()
  const restored: number[] = []
  const turn = (): void => {
    for (let e = raft.take(); e !== undefined; e = raft.take()) {
      if (e.restore !== undefined) {
        const { index } = e.restore.last
        exchange.install(e.restore, { term: 3, votedFor: null }, (error) => {
          assert.equal(error, undefined)
          restored.push(index)
        })
        log.finish()
      }
      if (e.persist !== undefined || e.restore !== undefined) raft.persisted(e.id)
    }
  }
  turn()
  const offered = (index: number): void => {
    snapshots.held = 30
    exchange.chunk(offer(index, 'c1'))
    while (snapshots.pending > 0) snapshots.next()
    turn()
  }
  offered(50)
  assert.deepEqual(restored, [50])
  offered(50) // the acknowledgement was lost with the link: the leader offers it again
  offered(50)
  offered(80)
  assert.deepEqual(restored, [50, 80])
})

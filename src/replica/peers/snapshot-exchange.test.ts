import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Prng } from '../../lib/index.ts'
import { READ_TIMEOUT_MS } from '../../limits.ts'
import { StoreRefusal } from '../../ports/index.ts'
import type { StoredSnapshot } from '../../ports/index.ts'
import { Raft } from '../../raft/index.ts'
import type { LogId, NodeId, SnapshotMeta } from '../../raft/index.ts'
import { encodeMembership } from '../../wire/index.ts'
import type { PeerMessage } from '../../wire/index.ts'
import { Snapshots } from '../turn/index.ts'
import { handContext, handLoop } from '../hand-context.test.ts'
import { HandLog, HandSnapshots, HandState, keyOf, membershipOf, storedSnapshot } from '../hand-driven-stores.test.ts'
import { SnapshotExchange } from './snapshot-exchange.ts'

const timings = { heartbeatIntervalMs: 10_000, electionTimeoutMinMs: 100_000, electionTimeoutMaxMs: 200_000 }
const PURGED: LogId = { term: 1, index: 20 }
const LAST = 30
const INCARNATION = 7

/** Node 1 with a real consensus core, leading nodes 2 and 3. Its log holds the entries 21 to 30 and that of its term. */
class Leader {
  readonly state = new HandState({ term: 1, index: LAST })
  /** Where the snapshots end that leave, as `to: index`. */
  readonly offered: string[] = []
  readonly exchange: SnapshotExchange
  readonly #raft: Raft

  constructor(newest: StoredSnapshot | null) {
    const membership = membershipOf([1, 2, 3])
    this.#raft = new Raft(
      { id: 1, endpointId: keyOf(1), timings, random: new Prng(1), incarnation: INCARNATION, encodeMembership },
      {
        term: 1,
        votedFor: null,
        purged: PURGED,
        entries: Array.from({ length: LAST - PURGED.index }, () => ({ term: 1, size: 1 })),
        memberships: [{ index: 1, membership }],
        applied: LAST,
      },
      0,
    )
    this.exchange = this.#createExchange(newest)
    this.#raft.tick(timings.electionTimeoutMaxMs)
    this.#turn()
    for (const preVote of [true, false]) {
      this.#raft.step({ type: 'vote-response', from: 2, to: 1, term: 2, preVote, granted: true })
      this.#turn()
    }
    assert.equal(this.#raft.role, 'leader')
  }

  #createExchange(newest: StoredSnapshot | null): SnapshotExchange {
    const context = handContext({ loop: handLoop(assert.fail, () => this.#turn()), raft: this.#raft })
    const stores = { log: new HandLog(), stateMachine: this.state, snapshots: new HandSnapshots(newest) }
    return new SnapshotExchange(context, stores, new Snapshots(context, this.state), this)
  }

  send(to: NodeId, message: PeerMessage): boolean {
    assert.ok(message.type === 'snapshot-chunk')
    this.offered.push(`${to}: ${message.snapshot.last.index}`)
    return true
  }

  /** Carries out what the core asks for. */
  #turn(): void {
    for (let effects = this.#raft.take(); effects !== undefined; effects = this.#raft.take()) {
      if (effects.persist !== undefined) this.#raft.persisted(effects.id)
      for (const to of effects.snapshots) this.exchange.offer(to)
    }
  }

  /** Node 3 says that its log is empty. */
  hearsOfEmptyLog(): void {
    this.#raft.step({
      type: 'append-response',
      from: 3,
      to: 1,
      term: 2,
      success: false,
      match: 0,
      rejected: LAST,
      hint: { term: 0, index: 0 },
      incarnation: INCARNATION,
      round: 0,
    })
    this.#turn()
  }

  /** Node 3 answers to a heartbeat, a while after the last one. */
  hearsLater(): void {
    this.#raft.tick(timings.electionTimeoutMaxMs + timings.heartbeatIntervalMs)
    this.#raft.step({ type: 'heartbeat-response', from: 3, to: 1, term: 2, incarnation: INCARNATION, round: 0 })
    this.#turn()
  }

  /** Ends the snapshot that is being taken. */
  taken(error?: Error, snapshot?: StoredSnapshot): void {
    const operation = this.state.pending.shift()
    assert.equal(operation?.call, 'snapshot')
    operation.done(error, snapshot)
  }

  get taking(): string[] {
    return this.state.pending.map(({ call }) => call)
  }
}

describe('SnapshotExchange: offers', () => {
  // A checkpoint of the state in a database takes no snapshot, so the log is purged past the newest one as a rule.
  test('offer: a snapshot that ends before the log begins would not help: a new one is taken and sent', () => {
    const leader = new Leader(storedSnapshot(PURGED.index - 1))
    leader.hearsOfEmptyLog()
    assert.deepEqual([leader.offered, leader.taking], [[], ['snapshot']])
    assert.equal(leader.exchange.promisedIndex, LAST, 'the log is kept from there on until it has arrived')
    leader.taken(undefined, storedSnapshot(LAST))
    assert.deepEqual(leader.offered, [`3: ${LAST}`])
  })

  test('offer: without any snapshot, one is taken and sent', () => {
    const leader = new Leader(null)
    leader.hearsOfEmptyLog()
    assert.deepEqual([leader.offered, leader.taking], [[], ['snapshot']])
    leader.taken(undefined, storedSnapshot(LAST))
    assert.deepEqual(leader.offered, [`3: ${LAST}`])
  })

  test('offer: a snapshot that ends where the log begins is sent as it is', () => {
    const leader = new Leader(storedSnapshot(PURGED.index))
    leader.hearsOfEmptyLog()
    assert.deepEqual([leader.offered, leader.taking], [[`3: ${PURGED.index}`], []])
    assert.equal(leader.exchange.promisedIndex, PURGED.index)
  })

  test('offer: a snapshot that could not be taken is tried again once the peer answers', () => {
    const leader = new Leader(null)
    leader.hearsOfEmptyLog()
    leader.taken(new StoreRefusal('its volume is full'))
    assert.deepEqual([leader.offered, leader.taking], [[], []], 'not before the peer is known to be there still')
    assert.equal(leader.exchange.promisedIndex, Number.POSITIVE_INFINITY, 'nothing is kept for it')
    leader.hearsLater()
    assert.deepEqual(leader.taking, ['snapshot'])
    leader.taken(undefined, storedSnapshot(LAST))
    assert.deepEqual(leader.offered, [`3: ${LAST}`])
  })
})

/** Node 1, which follows node 2, over stores that the test completes. */
class Follower {
  readonly snapshots = new HandSnapshots()
  readonly reports: string[] = []
  readonly exchange: SnapshotExchange

  constructor() {
    const raft = {
      id: 1,
      role: 'follower',
      term: 3,
      leader: 2,
      purgedTo: { term: 0, index: 0 },
      step: () => void (raft.purgedTo = { term: 2, index: LAST }),
      snapshotEnded: () => undefined,
    } as const satisfies Partial<Raft> as { -readonly [K in 'purgedTo']: LogId } & Pick<
      Raft,
      'id' | 'role' | 'term' | 'leader' | 'step' | 'snapshotEnded'
    >
    const context = handContext({ loop: handLoop(assert.fail), raft })
    const stores = { log: new HandLog(), stateMachine: new HandState({ term: 0, index: 0 }), snapshots: this.snapshots }
    this.exchange = new SnapshotExchange(context, stores, new Snapshots(context, stores.stateMachine), this)
  }

  send(to: NodeId, message: PeerMessage): boolean {
    assert.ok(message.type === 'snapshot-progress')
    this.reports.push(`${to}: ${message.received}`)
    return true
  }

  /** The whole of a snapshot comes in one chunk, and is written. */
  receives(snapshot: StoredSnapshot): void {
    const bytes = new Uint8Array(snapshot.sizeBytes)
    this.exchange.chunk({ type: 'snapshot-chunk', from: 2, term: 3, snapshot, position: 0, bytes })
    this.snapshots.next()
    this.reports.length = 0
  }

  /** What is said while ten seconds pass. */
  saysFrom(seconds: number): string[] {
    for (let now = seconds * 1000; now < seconds * 1000 + READ_TIMEOUT_MS; now += 500) this.exchange.progress(now)
    return this.reports.splice(0)
  }
}

describe('SnapshotExchange: a whole snapshot takes time', () => {
  test('its sender hears of it while it is looked through, and while it is restored, at least four times in READ_TIMEOUT_MS', () => {
    const follower = new Follower()
    follower.receives(storedSnapshot(LAST, 2, 40))
    assert.deepEqual(
      follower.saysFrom(10),
      Array.from({ length: 4 }, () => '2: 40'),
      'it is being looked through',
    )
    follower.snapshots.next()
    assert.deepEqual(
      follower.saysFrom(20),
      Array.from({ length: 4 }, () => '2: 40'),
      'it waits for log and state',
    )
    follower.exchange.install({ last: { term: 2, index: LAST } } as SnapshotMeta, { term: 3, votedFor: null }, () => undefined)
    assert.deepEqual(
      follower.saysFrom(30),
      Array.from({ length: 4 }, () => '2: 40'),
      'it is being restored',
    )
  })
})

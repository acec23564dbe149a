import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Membership, NodeId } from '../../raft/index.ts'
import type { PeerMessage } from '../../wire/index.ts'
import { handContext } from '../hand-context.test.ts'
import { HandState } from '../hand-driven-stores.test.ts'
import { DigestTally, KEPT_DIGESTS } from './digest-tally.ts'
import { AUDIT_INTERVAL_MS, DigestWatch, DivergedState } from './digest-watch.ts'

const member = (id: NodeId): Membership['members'][number] => ({ id, endpointId: `key ${id}`, addresses: [] })

function membershipOf(voters: NodeId[], learners: NodeId[] = [], outgoing: NodeId[] = []): Membership {
  const ids = [...new Set([...voters, ...outgoing, ...learners])]
  return { voters, outgoing, learners, members: ids.map(member) }
}

function isDivergence(error: unknown): boolean {
  return error instanceof DivergedState
}

/** Node 1 and its watch; the others are what a test makes them say. */
class Bench {
  now = 0
  readonly said: string[] = []
  readonly failures: Error[] = []
  readonly state = new HandState({ term: 1, index: 7 })
  isSound = true
  raft = {
    id: 1,
    role: 'leader' as 'leader' | 'follower',
    term: 3,
    leader: 1 as NodeId | null,
    membership: membershipOf([1, 2, 3]),
    transferring: false,
    transferLeadership: (): boolean => {
      this.said.push('hands over')
      return this.hasSuccessor
    },
  }
  hasSuccessor = true
  readonly watch: DigestWatch

  constructor() {
    const state = this.state
    state.audit = (done) => done(undefined, this.isSound)
    const context = handContext({
      loop: { fail: (error) => void this.failures.push(error) },
      raft: this.raft,
      clock: { now: () => this.now },
    })
    this.watch = new DigestWatch(context, state, { send: (to, message) => this.#send(to, message) })
  }

  #send(to: NodeId, message: PeerMessage): boolean {
    if (message.type === 'digest-verdict') this.said.push(`to ${to}: ${message.index} is ${message.digest}`)
    if (message.type === 'state-digests')
      this.said.push(`to ${to}: ${message.digests.map(({ index, digest }) => `${index} has ${digest}`).join()}`)
    return true
  }

  report(from: NodeId, index: number, digest: number): void {
    this.watch.reported({ type: 'state-digests', from, digests: [{ index, digest }] })
  }

  verdict(index: number, digest: number | null, term = 3): void {
    this.watch.judged({ type: 'digest-verdict', from: 2, term, index, digest })
    this.watch.progress(this.now)
  }

  follow(): void {
    this.raft.role = 'follower'
    this.raft.leader = 2
  }
}

test('DigestWatch: a leader tells who is wrong, and nobody else, once a majority of the voters agrees', () => {
  const bench = new Bench()
  bench.watch.taken([{ index: 1024, digest: 5 }])
  bench.report(2, 1024, 6)
  assert.deepEqual(bench.said, ['to 2: 1024 is null', 'to 3: 1024 is null'], 'one against one')
  bench.said.length = 0
  bench.report(3, 1024, 5)
  assert.deepEqual(bench.said, ['to 2: 1024 is 5'])
  bench.watch.progress(0)
  assert.deepEqual(bench.failures, [])
})

test('DigestWatch: digests of different entries are not compared', () => {
  const bench = new Bench()
  bench.watch.taken([{ index: 1024, digest: 5 }])
  bench.report(2, 2048, 6)
  bench.report(3, 3072, 7)
  assert.deepEqual(bench.said, [])
  assert.equal(bench.watch.standing.disputedIndex, null)
})

test('DigestWatch: learners are told, and have no say', () => {
  const bench = new Bench()
  bench.raft.membership = membershipOf([1, 2, 3], [4, 5, 6])
  bench.watch.taken([{ index: 1024, digest: 5 }])
  for (const learner of [4, 5, 6]) bench.report(learner, 1024, 6)
  assert.deepEqual(bench.said, [])
  bench.report(2, 1024, 5)
  assert.deepEqual(
    bench.said,
    [4, 5, 6].map((id) => `to ${id}: 1024 is 5`),
  )
})

test('DigestWatch: a leader that a majority disagrees with hands over first, and stops in any case', () => {
  for (const hasSuccessor of [true, false]) {
    const bench = new Bench()
    bench.hasSuccessor = hasSuccessor
    bench.watch.taken([{ index: 1024, digest: 5 }])
    bench.report(2, 1024, 6)
    bench.report(3, 1024, 6)
    bench.watch.progress(0)
    assert.ok(bench.said.includes('hands over'))
    if (hasSuccessor) {
      assert.deepEqual(bench.failures, [])
      bench.follow()
      bench.watch.progress(10)
    }
    assert.ok(bench.failures.length === 1 && isDivergence(bench.failures[0]))
  }
})

test('DigestWatch: a follower stops for a digest of the leader of this term that is another one than its own, for the same entry', () => {
  const bench = new Bench()
  bench.follow()
  bench.watch.taken([{ index: 1024, digest: 5 }])
  bench.verdict(1024, 5)
  bench.verdict(2048, 6)
  bench.verdict(1024, 6, 2)
  bench.verdict(1024, null)
  assert.deepEqual(bench.failures, [])
  bench.verdict(1024, 6)
  assert.ok(isDivergence(bench.failures[0]))
})

test('DigestWatch: a snapshot makes what was taken before say nothing any more', () => {
  const bench = new Bench()
  bench.follow()
  bench.watch.taken([{ index: 1024, digest: 5 }])
  bench.watch.restored()
  bench.verdict(1024, 6)
  assert.deepEqual(bench.failures, [])
})

test('DigestWatch: the last entry is compared when no more come, and said again, for it may have been lost', () => {
  const bench = new Bench()
  bench.follow()
  for (bench.now = 0; bench.now <= 13_000; bench.now += 100) bench.watch.progress(bench.now)
  assert.deepEqual(bench.said, ['to 2: 7 has 0', 'to 2: 7 has 0'])
  bench.raft.leader = 3
  bench.watch.roleChanged()
  bench.watch.progress(bench.now)
  assert.equal(bench.said[2], 'to 3: 7 has 0', 'another leader has heard nothing yet')
})

test('DigestWatch: all rows are counted now and then, and what is not as it was written is reported at once', () => {
  const bench = new Bench()
  bench.follow()
  for (const at of [0, 1_000, 2_000]) bench.watch.progress((bench.now = at))
  assert.deepEqual(bench.said, ['to 2: 7 has 0'])
  bench.isSound = false
  bench.state.digest = () => ({ index: 7, digest: 9 })
  bench.watch.progress((bench.now = 2 * AUDIT_INTERVAL_MS))
  assert.equal(bench.said.at(-1), 'to 2: 7 has 9')
})

test('DigestWatch: rows that no snapshot can be taken of are counted at once', () => {
  const bench = new Bench()
  bench.follow()
  for (const at of [0, 1_000]) bench.watch.progress((bench.now = at))
  bench.isSound = false
  bench.state.digest = () => ({ index: 7, digest: 9 })
  bench.watch.snapshotRefused()
  bench.watch.progress((bench.now = 2_000))
  assert.equal(bench.said.at(-1), 'to 2: 7 has 9')
})

test('DigestTally: a joint configuration asks for a majority of both halves', () => {
  const tally = new DigestTally()
  for (const id of [1, 2]) tally.note(id, { index: 8, digest: 5 })
  tally.note(4, { index: 8, digest: 6 })
  assert.equal(tally.judge(8, membershipOf([1, 2, 3])).digest, 5)
  assert.equal(tally.judge(8, membershipOf([1, 2, 3], [], [4, 5, 6])).digest, null)
  assert.equal(tally.judge(8, membershipOf([1, 2, 3], [], [1, 2, 4])).digest, 5)
  assert.deepEqual(tally.judge(8, membershipOf([1, 2, 3], [], [1, 2, 4])).wrong, [4])
})

test('DigestTally: keeps few of each node, the newest', () => {
  const tally = new DigestTally()
  for (let index = 1; index <= 1000; index++) tally.note(1, { index, digest: index })
  assert.equal(tally.all(1).length, KEPT_DIGESTS)
  assert.deepEqual(tally.all(1).at(-1), { index: 1000, digest: 1000 })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../src/raft/index.ts'
import { emptyNode, grownNode, HandCluster, memberOf, TIMINGS } from './hand-cluster.ts'

function lead(cluster: HandCluster, id: number): void {
  cluster.advance(3001, [id])
  cluster.settle()
  if (cluster.node(id).raft.role !== 'leader') lead(cluster, id)
}

test('Raft: read rounds do not repeat an unanswered probe', () => {
  const cluster = new HandCluster()
  for (const id of [1, 2, 3]) cluster.nodes.set(id, grownNode(id, [1, 2, 3], [], 0))
  lead(cluster, 1)
  const leader = cluster.node(1)
  // Node 3 answers heartbeats at once; what it must write waits for its disk.
  leader.raft.linkClosed(3)
  leader.raft.propose(new Uint8Array(1000))
  const probes: Message[] = []
  for (let round = 0; round < 20; round++) {
    leader.raft.read()
    cluster.take(1)
    cluster.persist(1)
    probes.push(...cluster.wire.filter((message) => message.type === 'append' && message.to === 3 && message.count > 0))
    cluster.deliver(() => true)
    cluster.take(2)
    cluster.persist(2)
    cluster.take(3)
    cluster.deliver(() => true)
  }
  assert.ok(probes.length <= 2, `the same entry was sent ${probes.length} times within no time at all`)
})

test('Raft: a voter that was removed learns of it while the leader lives, and campaigns no more', () => {
  const cluster = new HandCluster()
  for (const id of [1, 2, 3]) cluster.nodes.set(id, emptyNode(id))
  cluster.node(1).raft.bootstrap([1, 2, 3].map(memberOf))
  cluster.settle()
  const { raft } = cluster.node(1)
  assert.equal(raft.role, 'leader')
  assert.notEqual(typeof raft.changeMembership({ voters: [1, 2], learners: [], newMembers: [] }), 'string')
  cluster.settle()
  for (let beat = 0; beat < 6; beat++) {
    cluster.advance(TIMINGS.heartbeatIntervalMs, [1])
    cluster.settle()
  }
  const removed = cluster.node(3).raft
  assert.deepEqual(removed.membership.voters, [1, 2])
  assert.equal(removed.commitIndex, removed.membershipIndex, 'it has been told that the configuration is committed')
  cluster.advance(2 * TIMINGS.electionTimeoutMaxMs, [3])
  cluster.take(3)
  assert.deepEqual(
    cluster.wire.filter((message) => message.type === 'vote').map(({ from, to }) => `${from}->${to}`),
    [],
  )
  assert.equal(removed.leader, null, 'it does not believe for ever in a leader that it hears no more')
})

test('Raft: a follower that campaigned in vain within a term learns from a heartbeat what its leader has committed', () => {
  const cluster = new HandCluster()
  for (const id of [1, 2, 3]) cluster.nodes.set(id, grownNode(id, [1, 2, 3], [], 0))
  lead(cluster, 1)
  const [leader, slow] = [cluster.node(1).raft, cluster.node(2).raft]
  leader.propose(Uint8Array.of(1))
  cluster.take(1)
  cluster.persist(1)
  cluster.deliver(({ to }) => to === 2)
  cluster.take(2)
  cluster.persist(2)
  // It has the entry and has said so. It stands still, misses the heartbeats, and asks whether it could win.
  cluster.deliver(({ to }) => to === 1)
  cluster.advance(2 * TIMINGS.electionTimeoutMaxMs, [2])
  cluster.take(2)
  assert.equal(slow.role, 'pre-candidate')
  cluster.settle()
  for (let beat = 0; beat < 3; beat++) {
    cluster.advance(TIMINGS.heartbeatIntervalMs, [1])
    cluster.settle()
  }
  assert.deepEqual([leader.role, slow.leader], ['leader', 1])
  assert.equal(slow.commitIndex, leader.commitIndex)
})

test('Raft: a node that has forgotten what it acknowledged hears so from its leader, and stops', () => {
  const cluster = new HandCluster()
  for (const id of [1, 2, 3]) cluster.nodes.set(id, grownNode(id, [1, 2, 3], [], 0))
  lead(cluster, 1)
  for (let i = 0; i < 3; i++) cluster.node(1).raft.propose(Uint8Array.of(i))
  cluster.settle()
  const back = cluster.node(3)
  // An old copy of its disk: term and vote, and all but the last two entries.
  back.durable.entries.splice(-2)
  back.restart()
  cluster.advance(TIMINGS.heartbeatIntervalMs, [1])
  assert.throws(
    () => cluster.settle(),
    /node 3 acknowledged entry 5 to the leader, node 1, and its log ends at 3: .*, or the disk has lost it$/,
  )
})

test('Raft: the answer to a read goes back on the link of its question, whether this node leads, does not, or led', () => {
  const cluster = new HandCluster()
  for (const id of [1, 2, 3]) cluster.nodes.set(id, grownNode(id, [1, 2, 3], [], 0))
  lead(cluster, 1)
  cluster.settle()
  const { term, commitIndex } = cluster.node(1).raft
  assert.ok(commitIndex > 0)
  /** The answers of `id` to a question of node 3, once `meanwhile` has happened. */
  const answers = (id: number, meanwhile: () => void): (readonly [number, string | undefined])[] => {
    cluster.node(id).raft.step({ type: 'read-index', from: 3, to: id, term, incarnation: 301, context: 9, via: 'link-7' })
    const seen: (readonly [number, string | undefined])[] = []
    meanwhile()
    for (let round = 0; round < 4; round++) {
      for (const one of [1, 2, 3]) {
        cluster.take(one)
        cluster.persist(one)
      }
      for (const message of cluster.deliver(() => true)) {
        if (message.type === 'read-index-response' && message.from === id) seen.push([message.index, message.via])
      }
    }
    return seen
  }
  assert.deepEqual(
    answers(2, () => undefined),
    [[0, 'link-7']],
  )
  assert.deepEqual(
    answers(1, () => undefined),
    [[commitIndex, 'link-7']],
  )
  assert.deepEqual(
    answers(1, () =>
      cluster.node(1).raft.step({ type: 'heartbeat-response', from: 2, to: 1, term: term + 1, incarnation: 0, round: 0 }),
    ),
    [[0, 'link-7']],
  )
})

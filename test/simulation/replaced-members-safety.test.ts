/**
 * A member that lost its disk has forgotten its vote and its log. It comes back under its id with a new key, and goes through
 * a log in which its id was a voter: whom that voter elected, or what it acknowledged, this one does not know.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { endpointIdOf } from '../../sim/sim-node.ts'
import type { SimNode } from '../../sim/sim-node.ts'
import { MAX_BATCH_SIZE } from '../../src/limits.ts'
import type { Message } from '../../src/raft/index.ts'
import { Scene } from './replacement-scene.ts'
import type { Letter } from './replacement-scene.ts'

const SEEDS = [1, 2, 3]
/** More entries than one append holds. */
const LONG = MAX_BATCH_SIZE + 300
const WATCHED_MS = 2000

/** The message of consensus in a letter, if it is of this type. */
function carried<T extends Message['type']>({ message }: Letter, type: T): Extract<Message, { readonly type: T }> | undefined {
  const inner = message.type === 'raft' && message.message.type === type ? message.message : undefined
  return inner as Extract<Message, { readonly type: T }> | undefined
}

/** Adds a member that was removed, under its new key; it gets the first entries of the log, and dies before the others come. */
function addWithFirstEntries(scene: Scene, id: number): void {
  const { endpointId } = scene.node(id)
  scene.passes = (letter) => {
    const append = letter.to === endpointId ? carried(letter, 'append') : undefined
    return append === undefined || append.prev.index === 0 || append.count === 0
  }
  scene.addLearner(id)
  scene.until('the learner has its first entries', () => scene.view(id).persistedIndex > 0)
  scene.kill(id)
  scene.passes = () => true
}

/** The node runs, and for a while follows at most; whoever has the real majority serves, and it does not. */
function assertQuiet(scene: Scene, id: number, real: number): void {
  assert.equal(scene.keyKnownAt(id, id), endpointIdOf(id), 'its log does not end where it was a member under its old key')
  assert.ok(scene.view(id).membership.voters.includes(id))
  scene.watch = () => assert.equal(scene.view(id).role, 'follower', `node ${id} campaigns without a memory`)
  assert.deepEqual(scene.served(real), ['read', 'write'])
  assert.deepEqual(scene.served(id), [])
  scene.run(WATCHED_MS)
  assert.deepEqual(scene.served(real), ['read', 'write'])
  scene.watch = () => undefined
}

/** All paths work, all are voters, and agree. */
function assertSettles(scene: Scene, ids: readonly number[]): void {
  scene.cluster.network.healAll()
  scene.setVoters(ids)
  scene.agree(ids)
  for (const id of ids) assert.deepEqual(scene.served(id), ['read', 'write'])
}

/** A cluster of three grows. Node 3 is away and never hears of it: to it the founders are the members. */
function sceneThatGrew(seed: number, newcomers: readonly number[]): Scene {
  const scene = new Scene(seed, 3, newcomers.length)
  scene.found()
  scene.kill(3)
  scene.write(1, LONG)
  for (const id of newcomers) scene.addLearner(id)
  return scene
}

/** Node 2, which was removed, is started under its new key. It meets node 3 again, and nobody else; together they were a majority. */
function assertNoOldMajority(scene: Scene, newcomers: readonly number[]): void {
  scene.start(2)
  addWithFirstEntries(scene, 2)
  scene.split(scene.keysOf(1, ...newcomers), scene.keysOf(2, 3))
  scene.start(2, 3)
  assertQuiet(scene, 2, 1)
  assertSettles(scene, [1, 2, 3, ...newcomers])
}

describe('replaced members: no vote without a memory', () => {
  test('a member that comes back under a new key does not campaign by a configuration that knew its old key', () => {
    for (const seed of SEEDS) {
      const scene = sceneThatGrew(seed, [4])
      scene.setVoters([1, 3, 4])
      scene.cluster.loseDisks(scene.node(2))
      assertNoOldMajority(scene, [4])
    }
  })

  test('a member that is replaced after the cluster has grown does not campaign by the configuration of before', () => {
    for (const seed of SEEDS) {
      const scene = sceneThatGrew(seed, [4, 5])
      scene.setVoters([1, 2, 3, 4, 5])
      scene.cluster.loseDisks(scene.node(2))
      scene.setVoters([1, 3, 4, 5])
      assertNoOldMajority(scene, [4, 5])
    }
  })

  test('a founder that comes back under a new key does not elect itself by the configuration in which it was alone', () => {
    for (const seed of SEEDS) {
      const scene = new Scene(seed, 3)
      scene.until('its actors have begun', () => scene.node(1).server?.raft.hasBegun === true)
      scene.cluster.found()
      scene.until('node 1 leads', () => scene.cluster.leader?.id === 1)
      scene.write(1, LONG)
      scene.found()
      scene.kill(1)
      scene.cluster.loseDisks(scene.node(1))
      scene.setVoters([2, 3])
      scene.start(1)
      addWithFirstEntries(scene, 1)
      scene.split(scene.keysOf(1), scene.keysOf(2, 3))
      scene.start(1)
      assertQuiet(scene, 1, scene.cluster.leader?.id ?? 0)
      assertSettles(scene, [1, 2, 3])
    }
  })
})

/** Nodes 1 and 3 have node 2 under a new key; its old machine has been cut off since before it was removed, and runs. */
function sceneWithBothKeys(seed: number): { scene: Scene; old: SimNode; successor: SimNode } {
  const scene = new Scene(seed, 3)
  scene.found()
  const old = scene.node(2)
  scene.split([old.endpointId], scene.keysOf(1, 3))
  scene.write(1, 1)
  scene.setVoters([1, 3])
  const successor = scene.successorOf(2)
  scene.addLearner(2, successor.endpointId)
  scene.setVoters([1, 2, 3])
  scene.write(1, 1)
  scene.agree([1, 3])
  scene.until('the successor has everything', () => scene.view(successor).lastLog.index === scene.view(1).lastLog.index)
  return { scene, old, successor }
}

/**
 * Only the two that have one id stand for election. What the new key asks of `voter` comes late, and right behind it what the old
 * one asks: both are there before either is answered. Returns how often that was so.
 */
function interleaveRequests({ scene, old, successor }: ReturnType<typeof sceneWithBothKeys>, voter: string): () => number {
  const waiting = new Map<boolean, Letter>()
  let met = 0
  scene.passes = (letter) => {
    const request = carried(letter, 'vote')
    if (request === undefined) return carried(letter, 'vote-response') !== undefined
    if (letter.from === old.endpointId) waiting.set(request.preVote, letter)
    if (letter.from !== successor.endpointId || letter.to !== voter) return letter.from === successor.endpointId
    scene.cluster.scheduler.after(20, () => {
      const other = waiting.get(request.preVote)
      letter.deliver()
      other?.deliver()
      if (waiting.delete(request.preVote)) met++
    })
    return false
  }
  return () => met
}

describe('replaced members: who asked is who is answered', () => {
  test('a vote goes to the key that asked for it: the old and the new one do not both lead a term', () => {
    for (const seed of SEEDS) {
      const both = sceneWithBothKeys(seed)
      const { scene, old, successor } = both
      const voter = scene.node(3).endpointId
      // Who has heard that it was removed asks for no votes.
      scene.hearsNews = false
      const leaders = new Map<number, string>()
      scene.watch = () => {
        for (const node of [old, successor]) {
          const { role, term } = scene.view(node)
          if (role !== 'leader') continue
          const leader = leaders.get(term) ?? node.endpointId
          leaders.set(term, leader)
          assert.equal(leader, node.endpointId, `seed ${seed}: both machines with the id 2 lead term ${term}`)
        }
      }
      scene.cluster.network.heal(old.endpointId, voter)
      scene.cluster.network.heal(voter, old.endpointId)
      scene.run(500)
      const met = interleaveRequests(both, voter)
      scene.kill(1)
      scene.start(1)
      scene.run(WATCHED_MS, 1)
      assert.ok([...leaders.values()].includes(successor.endpointId), 'the new key was never elected')
      assert.ok(met() > 0, 'the two keys never asked for votes at once')
    }
  })

  test('what the old key acknowledged does not count for the new one', () => {
    for (const seed of SEEDS) {
      const scene = new Scene(seed, 3)
      scene.found()
      scene.until('node 1 leads', () => scene.cluster.leader?.id === 1)
      const old = scene.node(2)
      const late: Letter[] = []
      scene.passes = (letter) => {
        const answer =
          letter.from === old.endpointId && letter.to === endpointIdOf(1) ? carried(letter, 'append-response') : undefined
        if (answer?.success === true) late.push(letter)
        return true
      }
      scene.write(1, 5)
      scene.setVoters([1, 3])
      // Until the leader has forgotten who left.
      scene.run(WATCHED_MS)
      const { endpointId } = scene.successorOf(2)
      const { replica, life } = scene.node(1).parts
      replica.administer({ op: 'add-learner', nodeId: 2, endpointId }, life.clock.now() + WATCHED_MS, (error) =>
        assert.ifError(error),
      )
      while (scene.keyKnownAt(1, 2) === undefined) scene.cluster.scheduler.step(scene.cluster.scheduler.now + WATCHED_MS)
      const answer = late.at(-1)
      assert.ok(answer !== undefined && (carried(answer, 'append-response')?.match ?? 0) > 0)
      answer.deliver()
      assert.equal(replica.peer(2)?.match, 0)
    }
  })
})

test('a node that was not added under its new key gets no log, and no configuration, from those who lose the old one', () => {
  for (const seed of SEEDS) {
    const scene = new Scene(seed, 3)
    scene.found()
    scene.renew(2)
    scene.until('a founder leads', () => scene.cluster.leader !== undefined)
    // A leader that has never heard of the old member: it asks it for all it has, and believes what it is told.
    const { id, parts } = scene.cluster.leader as SimNode
    const { term } = parts.replica.view
    scene.kill(id)
    scene.run(50)
    scene.start(id)
    scene.until('somebody leads anew', () => (scene.cluster.leader?.replica?.view.term ?? 0) > term)
    scene.setVoters([1, 3])
    scene.run(WATCHED_MS)
    scene.kill(1, 3)
    scene.run(WATCHED_MS)
    const { clusterId, term: own, role, lastLog, membership } = scene.view(2)
    assert.deepEqual([clusterId, own, role, lastLog.index, membership.members], [null, 0, 'follower', 0, []])
  }
})

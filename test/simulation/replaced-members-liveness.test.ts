/**
 * A member that was away while another one got a new key knows that one by the old key: it has to follow it, to elect it, and to tell it
 * of later terms all the same.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpointIdOf } from '../../sim/sim-node.ts'
import { Scene } from './replacement-scene.ts'

const SEEDS = [1, 2, 3]
const ALL = [1, 2, 3, 4, 5]
/** A few elections. */
const SOON_MS = 3000
const LATER_TERM = 30
const WATCHED_MS = 2000

function foundedScene(seed: number): Scene {
  const scene = new Scene(seed, ALL.length)
  scene.found()
  return scene
}

/** Node 5 is down, knows node 2 by its first key, and does not know that this one was replaced; node 2 leads. */
function sceneWithReplacedLeader(seed: number): Scene {
  const scene = foundedScene(seed)
  scene.kill(5)
  scene.replace(2)
  scene.makeLead(2, [1, 3, 4])
  return scene
}

test('a leader under a new key is followed by a member that knows it by its old one', () => {
  for (const seed of SEEDS) {
    const scene = sceneWithReplacedLeader(seed)
    const { term } = scene.view(2)
    scene.start(5)
    scene.agree([2, 5], SOON_MS)
    const { role, term: now } = scene.view(2)
    assert.deepEqual([role, now], ['leader', term], 'it caught up under another leader')
    assert.equal(scene.keyKnownAt(5, 2), endpointIdOf(2, 1))
  }
})

test('a candidate under a new key is elected by a member that knows it by its old one', () => {
  for (const seed of SEEDS) {
    const scene = sceneWithReplacedLeader(seed)
    // An entry is committed that node 1 does not have.
    scene.kill(1)
    scene.write(2, 1)
    scene.kill(2, 3, 4)
    // A majority, of which only node 2 has everything.
    scene.start(1, 2, 5)
    scene.agree([1, 2, 5], SOON_MS)
    assert.equal(scene.cluster.leader, scene.node(2))
  }
})

/**
 * Node 5 has stood for election again and again: it was encouraged, but its requests for votes were lost. Now it is down, and in a
 * later term than anybody else.
 */
function sceneWithLaterTerm(seed: number): Scene {
  const scene = foundedScene(seed)
  const { endpointId } = scene.node(5)
  scene.passes = ({ from, to, message }) => {
    const { type, preVote } =
      message.type === 'raft' && 'preVote' in message.message ? message.message : { type: null, preVote: false }
    return preVote && (type === 'vote' ? from : to) === endpointId
  }
  scene.until('node 5 is in a later term', () => scene.view(5).term >= LATER_TERM)
  scene.kill(5)
  // What it said last is still on its way.
  scene.run(100)
  scene.passes = () => true
  return scene
}

test('a leader under a new key learns of the later term of a member that knows it by its old one', () => {
  for (const seed of SEEDS) {
    const scene = sceneWithLaterTerm(seed)
    scene.replace(2)
    scene.makeLead(2, [1, 3, 4])
    assert.ok(scene.view(2).term < LATER_TERM, 'the term is not a later one')
    scene.start(5)
    scene.until(
      'a leader is in a term that node 5 follows',
      () => (scene.cluster.leader?.replica?.view.term ?? 0) > LATER_TERM,
      SOON_MS,
    )
    scene.agree(ALL, SOON_MS)
  }
})

test('candidates under new keys learn of the later term of a member that knows them by their old ones', () => {
  for (const seed of SEEDS) {
    const scene = sceneWithLaterTerm(seed)
    for (const id of [2, 3]) scene.replace(id)
    for (const id of [1, 4]) scene.cluster.crash(scene.node(id), 'power-cut')
    assert.ok(scene.view(2).term < LATER_TERM, 'the term is not a later one')
    // A majority: two have new keys, and the third does not know them.
    scene.start(5)
    scene.until('a leader is elected', () => (scene.cluster.leader?.replica?.view.term ?? 0) > LATER_TERM, SOON_MS)
    scene.agree([2, 3, 5], SOON_MS)
    assert.deepEqual(scene.served(5), ['read', 'write'])
  }
})

test('a leader under a new key is not given up because the port of its old one refuses', () => {
  for (const seed of SEEDS) {
    const scene = foundedScene(seed)
    const { network } = scene.cluster
    // The machine of the old key stays where it was: it runs, without the program.
    network.retire = () => undefined
    const [away] = scene.keysOf(5) as [string]
    scene.split([away], scene.keysOf(1, 3, 4))
    scene.run(1000)
    scene.kill(2)
    scene.cluster.loseDisks(scene.node(2))
    scene.split([away], scene.keysOf(1, 2, 3, 4))
    scene.setVoters([1, 3, 4, 5])
    scene.start(2)
    scene.addLearner(2)
    scene.setVoters(ALL)
    scene.makeLead(2, [1, 3, 4])
    // As while a long log is on its way: heartbeats come, and its entries not yet.
    scene.passes = ({ to, message }) => to !== away || message.type !== 'raft' || message.message.type !== 'append'
    network.healAll()
    scene.until('node 5 follows node 2', () => scene.view(5).leader === 2, SOON_MS)
    scene.run(1000)
    scene.watch = () => assert.equal(scene.view(5).leader, 2, `seed ${seed}: node 5 has given up a leader whom it hears`)
    scene.run(WATCHED_MS, 1)
    assert.equal(scene.keyKnownAt(5, 2), endpointIdOf(2), 'node 5 knows the new key')
  }
})

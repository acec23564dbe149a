import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newsBetween } from './news.ts'
import type { ClusterLook, NodeLook } from './news.ts'

const node = (leader: number | null, term: number, raftRestarts = 0): NodeLook => ({
  leader,
  term,
  restarts: new Map([['RaftSupervisor/RaftActor', raftRestarts]]),
})
const look = (...nodes: readonly (NodeLook | null)[]): ClusterLook => new Map(nodes.map((one, index) => [index + 1, one]))
const CALM = look(node(1, 3), node(1, 3), node(1, 3))

test('newsBetween: says nothing when nothing has happened', () => {
  assert.deepEqual(newsBetween(CALM, CALM), [])
})

test('newsBetween: names a node that is lost, the election that follows, and its return', () => {
  const lost = look(null, node(null, 4), node(1, 3))
  const elected = look(null, node(2, 4), node(2, 4))
  const back = look(node(null, 3), node(2, 4), node(2, 4))
  assert.deepEqual(newsBetween(CALM, lost), [
    'node 1 does not answer any more',
    'there is no leader: an election is under way, or no majority is left',
  ])
  assert.deepEqual(newsBetween(lost, elected), ['node 2 is elected leader, in term 4'])
  assert.deepEqual(newsBetween(elected, back), ['node 1 is back'])
})

test('newsBetween: names a leader that is elected again, and tells nothing old of nodes that are behind', () => {
  assert.deepEqual(newsBetween(CALM, look(node(1, 5), node(1, 3), node(1, 3))), ['node 1 is elected leader, in term 5'])
  assert.deepEqual(newsBetween(look(node(1, 5), node(1, 3)), look(node(1, 5), node(1, 5))), [])
})

test('newsBetween: names an actor that was started again', () => {
  const after = look(node(1, 3), node(1, 3, 1), node(1, 3))
  assert.deepEqual(newsBetween(CALM, after), ['RaftSupervisor/RaftActor of node 2 was started again'])
  assert.deepEqual(newsBetween(after, after), [])
})

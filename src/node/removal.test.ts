import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LinkedPeer } from '../ports/index.ts'
import { silentLogger } from '../ports/index.ts'
import type { Membership } from '../raft/index.ts'
import { Removal } from './removal.ts'
import type { RemovalView } from './removal.ts'

const claims = { nodeId: 2, clusterId: 'c1', addresses: [], languageVersion: 1 }
const MEMBER: LinkedPeer = { endpointId: 'key-2', claims }
const membershipOf = (...ids: readonly number[]): Membership => ({
  voters: ids,
  outgoing: [],
  learners: [],
  members: ids.map((id) => ({ id, endpointId: `key-${id}`, addresses: [] })),
})
const viewOf = (membership: Membership, change: Partial<RemovalView> = {}): RemovalView => ({
  leader: null,
  membership,
  membershipIndex: 5,
  commitIndex: 9,
  ...change,
})

function removalOf(since?: number, ...followed: readonly Membership[]): Removal {
  const removal = new Removal('key-1', silentLogger)
  for (const membership of followed) removal.follow(membership)
  if (since !== undefined) removal.told(since, MEMBER, viewOf(membershipOf(1, 2)))
  return removal
}

test('Removal: a member that is told of a later configuration without it was removed, unless it hears a leader', () => {
  const removal = removalOf(7)
  assert.match(removal.words(viewOf(membershipOf(1, 2))) ?? '', /removed from the cluster, says node 2/)
  assert.equal(removal.words(viewOf(membershipOf(1, 2), { leader: 2 })), null)
})

test('Removal: one that finds its removal in its own log was a member if an earlier configuration there says so', () => {
  const uncommitted = viewOf(membershipOf(2), { membershipIndex: 10 })
  const removal = removalOf(undefined, membershipOf(1, 2), membershipOf(2))
  assert.match(removal.words(viewOf(membershipOf(2))) ?? '', /removed from the cluster: ask another node/)
  assert.equal(removal.words(uncommitted), null, 'it may be undone')
  removal.told(10, MEMBER, uncommitted)
  assert.match(removal.words(uncommitted) ?? '', /removed from the cluster, says node 2/)
  const newcomer = removalOf(10, membershipOf(2))
  assert.equal(newcomer.words(viewOf(membershipOf(2))), null)
})

test('Removal: the word of a member that is behind counts for nothing', () => {
  assert.equal(removalOf(4).words(viewOf(membershipOf(1, 2))), null)
  assert.equal(removalOf(7).words(viewOf(membershipOf(1, 2), { membershipIndex: 8 })), null)
})

test('Removal: a newcomer that catches up is not named by its own log yet, and was not removed', () => {
  assert.equal(removalOf(7).words(viewOf(membershipOf(2, 3))), null)
  assert.equal(removalOf(7).words(viewOf(membershipOf())), null)
})

test('Removal: a member that has read the configuration without it needs nobody to tell it, once that is committed', () => {
  const removal = removalOf(undefined, membershipOf(1, 2), membershipOf(2))
  assert.match(removal.words(viewOf(membershipOf(2))) ?? '', /removed/)
  assert.equal(removal.words(viewOf(membershipOf(2), { commitIndex: 4 })), null)
  assert.equal(removalOf(undefined, membershipOf(2)).words(viewOf(membershipOf(2))), null)
})

test('Removal: the leader that took leave of it is no reason to doubt, and it is said in the log once', () => {
  const lines: string[] = []
  const removal = new Removal('key-1', { log: (level, message) => void lines.push(`${level} ${message}`) })
  for (const membership of [membershipOf(1, 2), membershipOf(2)]) removal.follow(membership)
  const gone = viewOf(membershipOf(2), { leader: 2 })
  assert.equal(removal.words({ ...gone, commitIndex: 4 }), null)
  for (let i = 0; i < 3; i++) assert.match(removal.words(gone) ?? '', /removed/)
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /^error this node was removed from the cluster/)
  // It comes back under the same key, and is removed once more.
  for (const membership of [membershipOf(1, 2), membershipOf(2)]) removal.follow(membership)
  assert.match(removal.words(gone) ?? '', /removed/)
  assert.equal(lines.length, 2)
})

test('Removal: a member that never heard of the commit is told by another one', () => {
  const removal = removalOf(undefined, membershipOf(1, 2), membershipOf(2))
  const view = viewOf(membershipOf(2), { commitIndex: 4 })
  removal.told(5, MEMBER, view)
  assert.match(removal.words(view) ?? '', /says node 2/)
})

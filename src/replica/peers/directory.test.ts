import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_PEERS } from '../../limits.ts'
import type { LinkedPeer } from '../../ports/index.ts'
import { Directory } from './directory.ts'
import { keyOf, membershipOf } from '../hand-driven-stores.test.ts'

const peer = (key: string, nodeId: number): LinkedPeer => ({
  endpointId: key,
  claims: { nodeId, clusterId: 'c1', addresses: [], languageVersion: 1 },
})
const STRANGER = 'f'.repeat(64)

function directory(): Directory {
  const made = new Directory(1)
  made.follow(membershipOf([1, 2, 3]))
  return made
}

describe('Directory', () => {
  test('idOf: a member speaks for its id while it is linked', () => {
    const who = directory()
    assert.equal(who.idOf(keyOf(2)), undefined)
    who.linked(peer(keyOf(2), 2))
    assert.equal(who.idOf(keyOf(2)), 2)
    assert.equal(who.isLinked(2), true)
    who.unlinked(keyOf(2))
    assert.equal(who.idOf(keyOf(2)), undefined)
    assert.equal(who.isLinked(2), false)
  })

  test('idOf: a stranger with a member’s id speaks for nobody, and messages do not go to it', () => {
    const who = directory()
    who.linked(peer(STRANGER, 2))
    assert.equal(who.idOf(STRANGER), undefined)
    assert.equal(who.endpointOf(2), keyOf(2))
    assert.equal(who.isLinked(2), false)
    who.linked(peer(keyOf(2), 2))
    assert.equal(who.idOf(keyOf(2)), 2)
    assert.equal(who.isLinked(2), true)
    who.unlinked(STRANGER)
    assert.equal(who.isLinked(2), true)
  })

  test('idOf: nobody else speaks for this node', () => {
    const who = new Directory(1)
    who.linked(peer(STRANGER, 1))
    assert.equal(who.idOf(STRANGER), undefined)
  })

  test('idOf: a claim counts for an id that the configuration does not name', () => {
    const who = directory()
    who.linked(peer(STRANGER, 9))
    assert.equal(who.idOf(STRANGER), 9)
    assert.equal(who.endpointOf(9), STRANGER)
    assert.equal(who.isLinked(9), true)
    assert.equal(who.endpointOf(8), undefined)
    assert.equal(who.isLinked(8), false)
  })

  test('follow: an id that is bound to another key leaves the one before it without a voice', () => {
    const who = directory()
    who.linked(peer(keyOf(2), 2))
    who.linked(peer(STRANGER, 2))
    const membership = membershipOf([1, 2, 3])
    const members = membership.members.map((member) => (member.id === 2 ? { ...member, endpointId: STRANGER } : member))
    who.follow({ ...membership, members })
    assert.equal(who.idOf(keyOf(2)), undefined)
    assert.equal(who.idOf(STRANGER), 2)
    assert.equal(who.endpointOf(2), STRANGER)
  })

  test('leads: an unbound key is answered and asked where it leads, until the configuration binds it or its link ends', () => {
    const who = directory()
    who.linked(peer(keyOf(2), 2))
    who.linked(peer(STRANGER, 2))
    who.leads(2, STRANGER)
    const parts = ['follow', 'ask', 'campaign', 'lead'] as const
    assert.deepEqual(
      parts.map((part) => who.endpointFor(part, 2)),
      [STRANGER, STRANGER, keyOf(2), keyOf(2)],
    )
    assert.equal(who.isLeading(2, keyOf(2)), false)
    who.unlinked(STRANGER)
    assert.equal(who.endpointFor('follow', 2), keyOf(2))
    assert.equal(who.isLeading(2, keyOf(2)), true)
  })

  test('leads: of two links that claim an id which the configuration does not name, the one that leads is answered', () => {
    const who = directory()
    const other = 'e'.repeat(64)
    who.linked(peer(STRANGER, 9))
    who.linked(peer(other, 9))
    who.leads(9, other)
    assert.equal(who.endpointFor('follow', 9), other)
    who.linked(peer(other, 8))
    assert.equal(who.endpointFor('follow', 9), STRANGER)
  })

  test('linkFor: a leader under a new key can be asked though the key that is bound has no link', () => {
    const who = directory()
    who.linked(peer(STRANGER, 2))
    who.leads(2, STRANGER)
    assert.deepEqual([who.linkFor('ask', 2), who.isLinked(2)], [STRANGER, false])
  })

  test('follow: what goes to a member that has left does not go to another that claims its id', () => {
    const who = directory()
    who.linked(peer(STRANGER, 2))
    who.follow(membershipOf([1, 3]))
    assert.equal(who.endpointOf(2), keyOf(2))
    assert.equal(who.isLinked(2), false)
    assert.equal(who.idOf(STRANGER), 2)
  })

  test('follow: a member that has left is reached over its link, to be told', () => {
    const who = directory()
    who.linked(peer(keyOf(3), 3))
    who.follow(membershipOf([1, 2]))
    assert.equal(who.endpointOf(3), keyOf(3))
    assert.equal(who.idOf(keyOf(3)), 3)
    who.unlinked(keyOf(3))
    assert.equal(who.isLinked(3), false)
  })

  test('linked: what a peer claims later takes the place of what it claimed', () => {
    const who = new Directory(1)
    who.linked(peer(STRANGER, 2))
    who.linked(peer(STRANGER, 3))
    assert.equal(who.idOf(STRANGER), 3)
    assert.equal(who.endpointOf(2), undefined)
    assert.equal(who.link(STRANGER)?.claims.nodeId, 3)
    assert.equal([...who.links()].length, 1)
  })

  test('follow: members that left are remembered, the newest of them, and no more than can be linked', () => {
    const who = new Directory(1)
    for (let id = 2; id <= MAX_PEERS + 10; id++) who.follow(membershipOf([1, id]))
    who.follow(membershipOf([1]))
    assert.equal(who.endpointOf(MAX_PEERS + 10), keyOf(MAX_PEERS + 10))
    assert.equal(who.endpointOf(12), keyOf(12))
    assert.equal(who.endpointOf(11), keyOf(11))
    assert.equal(who.endpointOf(10), undefined)
  })
})

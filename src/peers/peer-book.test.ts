import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_PEERS } from '../limits.ts'
import { checkPeerHint, PeerBook } from './peer-book.ts'
import type { PeerEntry } from './peer-book.ts'
import { PEER_SOURCES } from './peer-source.ts'
import type { PeerSource } from './peer-source.ts'

const ID = 'ab'.repeat(32)

function idOf(number: number): string {
  return number.toString(16).padStart(64, '0')
}

/** Subscribes, and gathers what it hears. */
function listen(book: PeerBook): { readonly seen: PeerEntry[]; readonly gone: string[]; readonly stop: () => void } {
  const seen: PeerEntry[] = []
  const gone: string[] = []
  const stop = book.subscribe({ changed: (entry) => void seen.push(entry), removed: (id) => void gone.push(id) })
  return { seen, gone, stop }
}

describe('PeerBook', () => {
  test('PeerBook: hands every source to whoever dials', () => {
    const book = new PeerBook()
    const { seen: dialled } = listen(book)
    PEER_SOURCES.forEach((source, i) => {
      assert.equal(book.add({ endpointId: idOf(i), nodeId: null, addresses: [`10.0.0.${i + 1}:1`] }, source), 'added')
    })
    assert.deepEqual(
      dialled.map(({ addresses }) => addresses[0]),
      PEER_SOURCES.map((_, i) => `10.0.0.${i + 1}:1`),
    )
  })

  test('PeerBook: tells a new listener what is known already, and nothing once it has stopped', () => {
    const book = new PeerBook()
    book.add({ endpointId: ID, nodeId: 2, addresses: ['h:1'] }, 'peers')
    const { seen, stop } = listen(book)
    stop()
    book.add({ endpointId: ID, nodeId: 2, addresses: ['h:2'] }, 'peers')
    assert.deepEqual(
      seen.map(({ addresses }) => addresses),
      [['h:1']],
    )
  })

  test('PeerBook: replaces what one source said and keeps what the others did, the latest first', () => {
    const book = new PeerBook()
    book.add({ endpointId: ID, nodeId: null, addresses: ['old:1'] }, 'peers')
    book.add({ endpointId: ID, nodeId: 2, addresses: ['member:1', 'old:1'] }, 'membership')
    assert.equal(book.add({ endpointId: ID, nodeId: null, addresses: ['moved:1'] }, 'link'), 'changed')
    assert.deepEqual(book.get(ID)?.addresses, ['moved:1', 'old:1', 'member:1'])
    book.add({ endpointId: ID, nodeId: null, addresses: ['new:1'] }, 'peers')
    assert.deepEqual(book.get(ID)?.addresses, ['new:1', 'moved:1', 'member:1', 'old:1'])
    assert.equal(book.get(ID)?.nodeId, 2)
  })

  test('PeerBook: says unchanged, and nothing to listeners, when nothing is new', () => {
    const book = new PeerBook()
    const hint = { endpointId: ID, nodeId: 2, addresses: ['h:1'], relay: 'https://r' }
    book.add(hint, 'peers')
    book.add({ ...hint, addresses: ['h:2'] }, 'link')
    const { seen } = listen(book)
    assert.equal(book.add(hint, 'peers'), 'unchanged')
    assert.equal(book.add({ endpointId: ID, nodeId: null, addresses: [] }, 'peers'), 'unchanged')
    assert.equal(seen.length, 1)
  })

  test('PeerBook: refuses malformed hints, and changes nothing', () => {
    const book = new PeerBook()
    assert.equal(book.add({ endpointId: 'x', nodeId: null, addresses: [] }, 'gossip'), 'invalid')
    assert.equal(book.add({ endpointId: ID, nodeId: null, addresses: ['nowhere'] }, 'gossip'), 'invalid')
    assert.deepEqual(book.entries(), [])
  })

  test('PeerBook: full of those who count as much, it takes nobody new, and changes of those it has', () => {
    const book = new PeerBook()
    for (let i = 0; i < MAX_PEERS; i++) book.add({ endpointId: idOf(i), nodeId: null, addresses: [] }, 'gossip')
    const before = book.entries()
    assert.equal(book.add({ endpointId: ID, nodeId: null, addresses: ['h:1'] }, 'mdns'), 'full')
    assert.deepEqual(book.entries(), before)
    assert.equal(book.add({ endpointId: idOf(3), nodeId: null, addresses: ['h:1'] }, 'gossip'), 'changed')
    assert.equal(book.entries().length, MAX_PEERS)
    assert.ok(book.remove(idOf(0)))
    assert.ok(!book.remove(idOf(0)))
    assert.equal(book.add({ endpointId: ID, nodeId: null, addresses: ['h:1'] }, 'gossip'), 'added')
  })

  test('PeerBook: full, it lets go of whoever counts least and was heard of longest ago, for one that counts more', () => {
    let now = 0
    const book = new PeerBook({ capacity: 3, now: () => now++ })
    book.add({ endpointId: idOf(1), nodeId: null, addresses: [] }, 'peers')
    book.add({ endpointId: idOf(2), nodeId: null, addresses: [] }, 'gossip')
    book.add({ endpointId: idOf(3), nodeId: null, addresses: [] }, 'gossip')
    // Heard of again: 3 is the older one now.
    assert.equal(book.add({ endpointId: idOf(2), nodeId: null, addresses: [] }, 'gossip'), 'unchanged')
    const { gone } = listen(book)
    assert.equal(book.add({ endpointId: idOf(4), nodeId: null, addresses: [] }, 'membership'), 'added')
    assert.deepEqual(gone, [idOf(3)])
    assert.equal(book.add({ endpointId: idOf(5), nodeId: null, addresses: [] }, 'add-peer'), 'added')
    assert.deepEqual(gone, [idOf(3), idOf(2)])
    assert.equal(book.add({ endpointId: idOf(6), nodeId: null, addresses: [] }, 'peers'), 'full', 'as much as 1 and 5')
    assert.equal(book.add({ endpointId: idOf(6), nodeId: null, addresses: [] }, 'membership'), 'added')
  })

  test('PeerBook: what a source withdraws is gone, and the peer with it when nobody else speaks of it', () => {
    const book = new PeerBook()
    book.add({ endpointId: ID, nodeId: 2, addresses: ['a:1'] }, 'membership')
    book.add({ endpointId: ID, nodeId: 2, addresses: ['b:1'] }, 'link')
    const { gone } = listen(book)
    book.withdraw(ID, 'membership')
    book.withdraw(ID, 'membership')
    assert.deepEqual(book.get(ID)?.addresses, ['b:1'])
    assert.deepEqual(gone, [])
    book.withdraw(ID, 'link')
    assert.deepEqual([book.entries(), gone], [[], [ID]])
  })

  test('PeerBook: the addresses of all sources take turns: who says many displaces nobody; hearsay is last', () => {
    const book = new PeerBook()
    const say = (source: PeerSource, ...addresses: string[]): void =>
      void book.add({ endpointId: ID, nodeId: 2, addresses }, source)
    say('hearsay', 'lie:1', 'lie:2')
    say('membership', 'm:1', 'm:2')
    say('link', 'l:1', 'l:2')
    say('gossip', 'g:1', 'g:2', 'g:3')
    assert.deepEqual(book.get(ID)?.addresses, ['g:1', 'l:1', 'm:1', 'lie:1', 'g:2', 'l:2', 'm:2', 'lie:2', 'g:3'])
  })

  test('PeerBook: one that was banished is not heard of for a while, but from who names it', () => {
    let now = 0
    const book = new PeerBook({ now: () => now })
    const hint = { endpointId: ID, nodeId: 2, addresses: ['a:1'] }
    assert.equal(book.banish(ID, 1_000), false)
    book.add(hint, 'link')
    assert.equal(book.banish(ID, 1_000), true)
    assert.deepEqual([book.add(hint, 'gossip'), book.add(hint, 'link'), book.entries().length], ['unwanted', 'unwanted', 0])
    now = 1_000
    assert.equal(book.add(hint, 'gossip'), 'added')
    book.banish(ID, 1_000)
    assert.equal(book.add(hint, 'add-peer'), 'added')
    assert.equal(book.add({ ...hint, addresses: ['b:1'] }, 'gossip'), 'changed')
  })
})

test('checkPeerHint: says in words what is wrong', () => {
  const good = { endpointId: ID, nodeId: 1, addresses: ['h:1'] }
  assert.equal(checkPeerHint(good), undefined)
  assert.match(checkPeerHint({ ...good, endpointId: 'AB' }) ?? '', /endpoint id/)
  for (const nodeId of [0, -1, 1.5, Number.NaN]) assert.match(checkPeerHint({ ...good, nodeId }) ?? '', /node id/)
  assert.match(checkPeerHint({ ...good, addresses: ['h'] }) ?? '', /"h" is not an address/)
  assert.match(checkPeerHint({ ...good, addresses: Array.from({ length: 33 }, () => 'h:1') }) ?? '', /at most/)
})

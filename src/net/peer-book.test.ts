import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_PEERS } from '../limits.ts'
import { checkPeerHint, PEER_SOURCES, PeerBook } from './peer-book.ts'
import type { PeerEntry } from './peer-book.ts'

const ID = 'ab'.repeat(32)

function idOf(number: number): string {
  return number.toString(16).padStart(64, '0')
}

describe('PeerBook', () => {
  test('PeerBook: hands every source to whoever dials', () => {
    const book = new PeerBook()
    const dialled: PeerEntry[] = []
    book.subscribe((entry) => dialled.push(entry))
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
    const seen: PeerEntry[] = []
    const stop = book.subscribe((entry) => seen.push(entry))
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
    assert.deepEqual(book.get(ID)?.addresses, ['moved:1', 'member:1', 'old:1'])
    book.add({ endpointId: ID, nodeId: null, addresses: ['new:1'] }, 'peers')
    assert.deepEqual(book.get(ID)?.addresses, ['new:1', 'moved:1', 'member:1', 'old:1'])
    assert.equal(book.get(ID)?.nodeId, 2)
  })

  test('PeerBook: says unchanged, and nothing to listeners, when nothing is new', () => {
    const book = new PeerBook()
    const hint = { endpointId: ID, nodeId: 2, addresses: ['h:1'], relay: 'https://r' }
    book.add(hint, 'peers')
    book.add({ ...hint, addresses: ['h:2'] }, 'link')
    const seen: PeerEntry[] = []
    book.subscribe((entry) => seen.push(entry))
    assert.equal(book.add(hint, 'peers'), 'unchanged')
    assert.equal(book.add({ endpointId: ID, nodeId: null, addresses: [] }, 'peers'), 'unchanged')
    assert.equal(seen.length, 1)
  })

  test('PeerBook: refuses malformed hints and one peer too many, and changes nothing', () => {
    const book = new PeerBook()
    assert.equal(book.add({ endpointId: 'x', nodeId: null, addresses: [] }, 'gossip'), 'invalid')
    assert.equal(book.add({ endpointId: ID, nodeId: null, addresses: ['nowhere'] }, 'gossip'), 'invalid')
    for (let i = 0; i < MAX_PEERS; i++) book.add({ endpointId: idOf(i), nodeId: null, addresses: [] }, 'gossip')
    assert.equal(book.add({ endpointId: ID, nodeId: null, addresses: ['h:1'] }, 'peers'), 'full')
    assert.equal(book.add({ endpointId: idOf(3), nodeId: null, addresses: ['h:1'] }, 'peers'), 'changed')
    assert.equal(book.entries().length, MAX_PEERS)
    assert.ok(book.remove(idOf(0)))
    assert.ok(!book.remove(idOf(0)))
    assert.equal(book.add({ endpointId: ID, nodeId: null, addresses: ['h:1'] }, 'peers'), 'added')
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

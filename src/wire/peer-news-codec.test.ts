import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteWriter, concatBytes, Prng, randomBetween, WireError, writeTaggedFields } from '../lib/index.ts'
import { MAX_ADDRESS_SIZE, MAX_MEMBER_ADDRESSES, MAX_PEERS_QUEUE_BYTES } from '../limits.ts'
import { decodePeerNews, encodePeerNews, MAX_NEWS_FACTS } from './peer-news-codec.ts'
import type { PeerFact } from './peer-news-codec.ts'

const fact = (nodeId: number, addresses: readonly string[] = [`10.0.0.${nodeId}:1`]): PeerFact => ({
  endpointId: nodeId.toString(16).padStart(64, '0'),
  nodeId,
  addresses,
})

test('encodePeerNews: is read as it was said, at its bounds too, and fits the queue of its channel', () => {
  const long = Array.from({ length: MAX_MEMBER_ADDRESSES }, () => 'a'.repeat(MAX_ADDRESS_SIZE))
  const full = Array.from({ length: MAX_NEWS_FACTS }, (_, i) => fact(i + 1, long))
  for (const facts of [[], [fact(1)], [fact(7, []), fact(Number.MAX_SAFE_INTEGER)], full]) {
    for (const absentSince of [null, 1, Number.MAX_SAFE_INTEGER]) {
      const bytes = encodePeerNews({ facts, absentSince })
      assert.deepEqual(decodePeerNews(bytes), { facts, absentSince })
      assert.ok(bytes.length < MAX_PEERS_QUEUE_BYTES)
    }
  }
})

test('encodePeerNews: golden bytes', () => {
  const news = { facts: [{ ...fact(2, ['h:1']), endpointId: 'ab'.repeat(32) }], absentSince: 300 }
  const hex = Buffer.from(encodePeerNews(news)).toString('hex')
  assert.equal(hex, `022c2b0220${'ab'.repeat(32)}04010206040368 3a31`.replace(' ', '') + '0402ac02')
})

test('encodePeerNews: what has no encoding is refused', () => {
  const many = Array.from({ length: MAX_NEWS_FACTS + 1 }, (_, i) => fact(i + 1))
  assert.throws(() => encodePeerNews({ facts: many, absentSince: null }), WireError)
  const scattered = fact(
    1,
    Array.from({ length: MAX_MEMBER_ADDRESSES + 1 }, () => 'h:1'),
  )
  assert.throws(() => encodePeerNews({ facts: [scattered], absentSince: null }), WireError)
})

test('decodePeerNews: skips fields of later versions, and refuses those that must be understood', () => {
  const said = { facts: [fact(1)], absentSince: null }
  const later = (tag: number): Uint8Array => {
    const writer = new ByteWriter()
    writeTaggedFields(writer, [[tag, Uint8Array.of(1, 2)]])
    return concatBytes([encodePeerNews(said), writer.finish()])
  }
  assert.deepEqual(decodePeerNews(later(8)), said)
  assert.throws(() => decodePeerNews(later(9)), WireError)
})

test('decodePeerNews: whatever comes is news or a WireError', () => {
  const random = new Prng(1)
  const valid = encodePeerNews({ facts: [fact(1), fact(2, ['a:1', 'b:2'])], absentSince: 9 })
  for (let i = 0; i < 5000; i++) {
    const bytes = valid.slice(0, randomBetween(random, 0, valid.length))
    for (let flips = randomBetween(random, 0, 3); flips > 0 && bytes.length > 0; flips--) {
      bytes[randomBetween(random, 0, bytes.length - 1)] = randomBetween(random, 0, 255)
    }
    try {
      const { facts } = decodePeerNews(bytes)
      assert.ok(facts.length <= MAX_NEWS_FACTS && facts.every(({ nodeId }) => nodeId > 0))
    } catch (error) {
      assert.ok(error instanceof WireError, String(error))
    }
  }
})

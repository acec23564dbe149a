import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteWriter, concatBytes, Prng, randomBetween, WireError, writeTaggedFields } from '../lib/index.ts'
import { MAX_ANNOUNCED_ADDRESSES, MAX_ANNOUNCEMENT_SIZE, MAX_GOSSIP_QUEUE_BYTES } from '../limits.ts'
import {
  announcementInput,
  decodeAnnouncement,
  decodeGossip,
  encodeAnnouncement,
  encodeGossip,
  MAX_DIGEST_ENTRIES,
  MAX_MESSAGE_ANNOUNCEMENTS,
  MAX_WANTED,
  shortIdOf,
  SIGNATURE_SIZE,
} from './gossip-codec.ts'
import type { GossipMessage, PeerAnnouncement, SignedAnnouncement } from './gossip-codec.ts'

const MAX = Number.MAX_SAFE_INTEGER
const ID = 'ab'.repeat(31) + 'cd'
const said = (change: Partial<PeerAnnouncement> = {}): PeerAnnouncement => ({
  endpointId: ID,
  nodeId: 2,
  clusterId: 'c1',
  addresses: ['h:1'],
  relay: null,
  sequence: 301,
  changed: 300,
  time: 5,
  ...change,
})
const signed = (change: Partial<PeerAnnouncement> = {}): SignedAnnouncement => ({
  body: encodeAnnouncement(said(change)),
  signature: new Uint8Array(SIGNATURE_SIZE).fill(9),
})
const entry = { shortId: '0123456789abcdef', sequence: 301, changed: 300 }
const message = (change: Partial<GossipMessage> = {}): GossipMessage => ({ announcements: [], digest: [], wanted: [], ...change })

test('encodeAnnouncement: is read as it was said, at its bounds too', () => {
  const many = Array.from({ length: MAX_ANNOUNCED_ADDRESSES }, (_, i) => `${i}${'a'.repeat(100)}:1`)
  for (const change of [
    {},
    { clusterId: null, addresses: [], relay: 'https://relay.example/' },
    { addresses: many, nodeId: MAX, sequence: MAX, changed: MAX, time: MAX },
    { sequence: 0, changed: 0, time: 0 },
  ]) {
    assert.deepEqual(decodeAnnouncement(encodeAnnouncement(said(change))), said(change))
  }
})

test('encodeGossip: is read as it was said, at its bounds too, and fits the queue of its channel', () => {
  const full = message({
    announcements: Array.from({ length: MAX_MESSAGE_ANNOUNCEMENTS }, () =>
      signed({ addresses: ['x'.repeat(500), 'y'.repeat(500)] }),
    ),
    digest: Array.from({ length: MAX_DIGEST_ENTRIES }, () => ({ ...entry, sequence: MAX, changed: 1 })),
    wanted: Array.from({ length: MAX_WANTED }, () => entry.shortId),
  })
  for (const each of [message(), message({ digest: [entry] }), message({ wanted: [entry.shortId] }), full]) {
    const bytes = encodeGossip(each)
    assert.deepEqual(decodeGossip(bytes), each)
    assert.ok(bytes.length < MAX_GOSSIP_QUEUE_BYTES)
  }
})

test('golden bytes: an announcement, what is signed of it, and a message of gossip', () => {
  const body = `0220${ID}` + '040102' + '0603026331' + '080403683a31' + '0c02ad02' + '0e02ac02' + '100105'
  assert.equal(Buffer.from(encodeAnnouncement(said())).toString('hex'), body)
  const topic = new Uint8Array(32).fill(7)
  assert.equal(
    Buffer.from(announcementInput(topic, Uint8Array.of(1))).toString('hex'),
    Buffer.from('aspen gossip announcement 1\0').toString('hex') + '07'.repeat(32) + '01',
  )
  const size = (body.length / 2).toString(16)
  const all = message({ announcements: [signed()], digest: [entry], wanted: [shortIdOf(ID)] })
  const list = `${size}${body}${'09'.repeat(64)}`
  assert.equal(
    Buffer.from(encodeGossip(all)).toString('hex'),
    `02${varint(list.length / 2)}${list}` + '040b' + '0123456789abcdef' + 'ac02' + '01' + '0608' + 'abababababababcd',
  )
})

function varint(value: number): string {
  const writer = new ByteWriter()
  writer.varint(value)
  return Buffer.from(writer.finish()).toString('hex')
}

test('encodeAnnouncement, encodeGossip: what has no encoding is refused', () => {
  const tooMany = Array.from({ length: MAX_ANNOUNCED_ADDRESSES + 1 }, () => 'h:1')
  const tooLong = Array.from({ length: 5 }, () => 'a'.repeat(MAX_ANNOUNCEMENT_SIZE / 4))
  for (const change of [{ addresses: tooMany }, { addresses: tooLong }, { changed: 302 }, { endpointId: 'no key' }]) {
    assert.throws(() => encodeAnnouncement(said(change)), WireError)
  }
  assert.throws(() => encodeGossip(message({ digest: Array.from({ length: MAX_DIGEST_ENTRIES + 1 }, () => entry) })), WireError)
  assert.throws(() => encodeGossip(message({ wanted: Array.from({ length: MAX_WANTED + 1 }, () => entry.shortId) })), WireError)
  assert.throws(() => encodeGossip(message({ wanted: ['ab'] })), WireError)
  assert.throws(() => encodeGossip(message({ announcements: [{ ...signed(), signature: new Uint8Array(63) }] })), WireError)
  assert.throws(() => announcementInput(new Uint8Array(31), new Uint8Array(0)), WireError)
})

test('decodeAnnouncement, decodeGossip: skip fields of later versions, and refuse those that must be understood', () => {
  const later = (bytes: Uint8Array, tag: number): Uint8Array => {
    const writer = new ByteWriter()
    writeTaggedFields(writer, [[tag, Uint8Array.of(1, 2)]])
    return concatBytes([bytes, writer.finish()])
  }
  assert.deepEqual(decodeAnnouncement(later(encodeAnnouncement(said()), 18)), said())
  assert.throws(() => decodeAnnouncement(later(encodeAnnouncement(said()), 19)), WireError)
  const heard = message({ digest: [entry] })
  assert.deepEqual(decodeGossip(later(encodeGossip(heard), 8)), heard)
  assert.throws(() => decodeGossip(later(encodeGossip(heard), 9)), WireError)
})

test('decodeGossip, decodeAnnouncement: whatever comes is gossip or a WireError', () => {
  const random = new Prng(1)
  const valid = encodeGossip(
    message({ announcements: [signed(), signed({ relay: 'r' })], digest: [entry], wanted: [entry.shortId] }),
  )
  let read = 0
  for (let i = 0; i < 10_000; i++) {
    const bytes = valid.slice(0, random.nextUint32() % 4 === 0 ? randomBetween(random, 0, valid.length) : valid.length)
    for (let flips = randomBetween(random, 0, 3); flips > 0 && bytes.length > 0; flips--) {
      bytes[randomBetween(random, 0, bytes.length - 1)] = randomBetween(random, 0, 255)
    }
    try {
      const { announcements, digest } = decodeGossip(bytes)
      for (const { body, signature } of announcements) {
        assert.equal(signature.length, SIGNATURE_SIZE)
        assert.ok(decodeAnnouncement(body).addresses.length <= MAX_ANNOUNCED_ADDRESSES)
      }
      assert.ok(digest.every(({ sequence, changed }) => Number.isSafeInteger(sequence) && changed <= sequence))
      read++
    } catch (error) {
      assert.ok(error instanceof WireError, String(error))
    }
  }
  assert.ok(read > 500 && read < 9_500, `${read} of 10000 were read`)
})

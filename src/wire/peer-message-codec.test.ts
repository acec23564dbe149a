import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, utf8Encode } from '../lib/index.ts'
import { MAX_BATCH_SIZE, MAX_RPC_MESSAGE_SIZE, SNAPSHOT_CHUNK_SIZE } from '../limits.ts'
import type { AppendRequest, Entry, Membership, Message } from '../raft/index.ts'
import type { StoredSnapshot } from '../ports/index.ts'
import { peerMessage } from './arbitraries.test.ts'
import { decodePeerMessage, encodeMembership, encodePeerMessage, WireError } from './index.ts'
import { encodeEnvelope } from '../commands/index.ts'
import type { PeerMessage } from './index.ts'

const A = 'a1'.repeat(32)
const B = 'b2'.repeat(32)
const membership: Membership = { voters: [1], outgoing: [], learners: [], members: [{ id: 1, endpointId: A, addresses: [] }] }
const membershipHex = `0101010000${A}00`
const stored: StoredSnapshot = {
  last: { term: 5, index: 200 },
  membership,
  membershipIndex: 3,
  id: '5-200.snap',
  clusterId: 'c1',
  clusterVersion: 1,
  sizeBytes: 1000,
  digest: B,
}
const head = { from: 1, to: 2, term: 7 }

function encoded(message: PeerMessage): Uint8Array {
  return concatBytes(encodePeerMessage(message))
}

function raft(message: Message): PeerMessage {
  return { type: 'raft', message }
}

const entries: readonly Entry[] = [
  { index: 201, term: 5, kind: 'command', payload: utf8Encode('one') },
  { index: 202, term: 5, kind: 'command', payload: utf8Encode('three') },
  { index: 203, term: 7, kind: 'noop', payload: new Uint8Array() },
  { index: 204, term: 7, kind: 'membership', payload: encodeMembership(membership), membership },
  { index: 205, term: 7, kind: 'command', payload: utf8Encode('x') },
]
const append: AppendRequest = {
  type: 'append',
  ...head,
  prev: { term: 5, index: 200 },
  count: 5,
  entries,
  commit: 199,
  incarnation: 77,
  round: 9,
}
const appendHex = [
  '0003 01 02 07 05c801 c701 4d 09', // group, code, addresses, prev, commit, incarnation, round
  '05 01 01 00 02 02 01 02 01 03 01 00 01 01 01 00 01', // five entries in four runs: kind, version it needs, distance of the term, length
  '03 05 00 26 01', // sizes
  `6f6e65 7468726565 ${membershipHex} 78`,
].join(' ')

/** Bytes: the status, and that it is retryable. */
const FIELDS_OF_AN_ERROR = 6

const golden: [string, PeerMessage, string][] = [
  [
    'vote',
    raft({ type: 'vote', ...head, preVote: false, lastLog: { term: 6, index: 1000 }, transfer: true }),
    '0001 01 02 07 02 06e807',
  ],
  [
    'pre-vote',
    raft({ type: 'vote', ...head, preVote: true, lastLog: { term: 0, index: 0 }, transfer: false }),
    '0001 01 02 07 01 0000',
  ],
  ['vote response', raft({ type: 'vote-response', ...head, preVote: true, granted: true }), '0002 01 02 07 03'],
  ['append', raft(append), appendHex],
  ['empty append', raft({ ...append, prev: { term: 0, index: 0 }, count: 0, entries: [] }), '0003 01 02 07 0000 c701 4d 09 00'],
  [
    'append response',
    raft({
      type: 'append-response',
      ...head,
      success: true,
      match: 205,
      rejected: 0,
      hint: { term: 0, index: 0 },
      incarnation: 77,
      round: 9,
    }),
    '0004 01 02 07 01 cd01 00 0000 4d 09',
  ],
  [
    'refusing append response',
    raft({
      type: 'append-response',
      ...head,
      success: false,
      match: 0,
      rejected: 200,
      hint: { term: 4, index: 150 },
      incarnation: 77,
      round: 9,
    }),
    '0004 01 02 07 00 00 c801 049601 4d 09',
  ],
  [
    'heartbeat',
    raft({ type: 'heartbeat', ...head, commit: 199, incarnation: Number.MAX_SAFE_INTEGER, round: 128 }),
    '0005 01 02 07 c701 ffffffffffffff0f 8001',
  ],
  ['heartbeat response', raft({ type: 'heartbeat-response', ...head, incarnation: 77, round: 128 }), '0006 01 02 07 4d 8001'],
  [
    'snapshot',
    raft({ type: 'snapshot', ...head, snapshot: { last: { term: 5, index: 200 }, membership, membershipIndex: 3 } }),
    `0007 01 02 07 05c801 03 ${membershipHex}`,
  ],
  ['timeout-now', raft({ type: 'timeout-now', ...head }), '0008 01 02 07'],
  ['read index', raft({ type: 'read-index', ...head, incarnation: 77, context: 5 }), '0009 01 02 07 4d 05'],
  [
    'read index response',
    raft({ type: 'read-index-response', ...head, incarnation: 77, context: 5, index: 205 }),
    '000a 01 02 07 4d 05 cd01',
  ],
  [
    'forwarded write',
    { type: 'forward', id: 12, operation: 'write', timeoutMs: 4999.5, body: utf8Encode('body') },
    '0020 0c 01 000000008087b340 626f6479',
  ],
  [
    'forwarded admin request',
    { type: 'forward', id: 13, operation: 'admin', timeoutMs: 0, body: utf8Encode('{}') },
    '0020 0d 02 0000000000000000 7b7d',
  ],
  ['forward reply', { type: 'forward-reply', id: 12, ok: true, body: utf8Encode('done') }, '0021 0c 646f6e65'],
  [
    'forward error',
    { type: 'forward-reply', id: 12, ok: false, code: 'NOT_LEADER', message: 'gone', details: { leader: 3 } },
    '0022 0c 0a4e4f545f4c4541444552 04676f6e65 0c7b226c6561646572223a337d 0202f703 0400',
  ],
  [
    'snapshot chunk',
    { type: 'snapshot-chunk', from: 1, term: 7, snapshot: stored, position: 300, bytes: utf8Encode('piece') },
    `0030 01 07 05c801 03 ${membershipHex} 0a352d3230302e736e6170 026331 01 e807 ${B} ac02 7069656365`,
  ],
  [
    'snapshot progress',
    { type: 'snapshot-progress', from: 2, term: 7, id: '5-200.snap', received: 305 },
    '0031 02 07 0a352d3230302e736e6170 b102',
  ],
]

describe('encodePeerMessage', () => {
  for (const [name, message, spaced] of golden) {
    test(`never changes the bytes of: ${name}`, () => {
      const hex = spaced.replaceAll(' ', '')
      assert.equal(encoded(message).toHex(), hex)
      assert.deepEqual(decodePeerMessage(Uint8Array.fromHex(hex)), message)
    })
  }

  test('round trip: gives the message back', () => {
    fc.assert(
      fc.property(peerMessage, (message) => assert.deepEqual(decodePeerMessage(encoded(message)), message)),
      { numRuns: 1000 },
    )
  })

  test('is one part when there are no large payloads', () => {
    for (const [name, message] of golden) assert.equal(encodePeerMessage(message).length, 1, name)
  })

  test('hands on large payloads and chunks uncopied, behind one part for the rest', () => {
    const large = new Uint8Array(5000)
    const small = new Uint8Array(100)
    const mixed = [small, large, large, small, small].map((payload, i): Entry => ({
      index: i + 1,
      term: 7,
      kind: 'command',
      payload,
    }))
    const parts = encodePeerMessage(raft({ ...append, prev: { term: 0, index: 0 }, entries: mixed }))
    assert.equal(parts.length, 4)
    assert.equal(parts[1], large)
    assert.equal(parts[3]?.length, 200)
    const chunk = encodePeerMessage({
      type: 'snapshot-chunk',
      from: 1,
      term: 7,
      snapshot: { ...stored, sizeBytes: SNAPSHOT_CHUNK_SIZE },
      position: 0,
      bytes: new Uint8Array(SNAPSHOT_CHUNK_SIZE),
    })
    assert.deepEqual([chunk.length, chunk[1]?.length], [2, SNAPSHOT_CHUNK_SIZE])
    assert.equal(encodePeerMessage({ type: 'forward', id: 1, operation: 'write', timeoutMs: 1, body: large })[1], large)
  })

  test('adds little to what it carries: 2 bytes an entry in an append, 30 to a heartbeat', () => {
    const payload = encodeEnvelope({
      origin: null,
      command: { type: 'batch', operations: [{ type: 'set', key: new Uint8Array(8), value: new Uint8Array(92) }] },
    })
    const full = Array.from({ length: MAX_BATCH_SIZE }, (_, i): Entry => ({ index: 201 + i, term: 7, kind: 'command', payload }))
    const size = encoded(raft({ ...append, count: MAX_BATCH_SIZE, entries: full })).length
    assert.ok(size <= 64 + MAX_BATCH_SIZE * (payload.length + 2), `${size} bytes`)
    const largest = Number.MAX_SAFE_INTEGER
    const heartbeat = raft({ type: 'heartbeat', from: 100, to: 99, term: 1e6, commit: 1e12, incarnation: largest, round: 1e9 })
    assert.ok(encoded(heartbeat).length <= 30)
  })

  test('leaves earlier encodings as they were', () => {
    const before = golden.map(([, message]) => encoded(message))
    const copies = before.map((bytes) => bytes.slice())
    for (let i = 0; i < 1000; i++) for (const [, message] of golden) encodePeerMessage(message)
    assert.deepEqual(before, copies)
  })

  test('throws WireError when the message passes MAX_RPC_MESSAGE_SIZE', () => {
    const body = new Uint8Array(MAX_RPC_MESSAGE_SIZE - 3)
    assert.equal(encoded({ type: 'forward-reply', id: 1, ok: true, body }).length, MAX_RPC_MESSAGE_SIZE)
    assert.throws(
      () => encodePeerMessage({ type: 'forward-reply', id: 1, ok: true, body: new Uint8Array(body.length + 1) }),
      WireError,
    )
  })
})

test('encodePeerMessage, decodePeerMessage: throw WireError when a snapshot progress comes from nobody', () => {
  assert.throws(() => encodePeerMessage({ type: 'snapshot-progress', from: 0, term: 7, id: 'a', received: 0 }), WireError)
  assert.throws(() => decodePeerMessage(Uint8Array.fromHex('00310007016100')), { name: 'WireError', message: /the sender is 0/ })
})

describe('decodePeerMessage', () => {
  test('copies nothing: payloads are views of the bytes', () => {
    const bytes = encoded(raft(append))
    const message = decodePeerMessage(bytes)
    assert.ok(message.type === 'raft' && message.message.type === 'append')
    for (const entry of message.message.entries) assert.equal(entry.payload.buffer, bytes.buffer)
  })

  test('names what it does not know, the group before the message: neither is malformed', () => {
    assert.throws(() => decodePeerMessage(new Uint8Array()), { name: 'WireError', message: /ends too early/ })
    for (const group of ['01', '02', '8001']) {
      assert.throws(() => decodePeerMessage(Uint8Array.fromHex(`${group}0801020707`)), {
        part: 'group',
        message: /unknown group/,
      })
    }
    for (const code of ['00', '0b', '1f', '23', '2f', '32', 'ff']) {
      assert.throws(() => decodePeerMessage(Uint8Array.fromHex(`00${code}01020701010101`)), {
        part: 'message',
        message: /a message of an unknown kind/,
      })
    }
  })

  test('throws WireError when there are more bytes than a message may have', () => {
    const bytes = new Uint8Array(MAX_RPC_MESSAGE_SIZE + 1)
    bytes.set(Uint8Array.fromHex('002101'))
    assert.throws(() => decodePeerMessage(bytes), { name: 'WireError', message: /at most 10485760 bytes are allowed/ })
  })

  test('throws WireError when a message is cut anywhere, or goes on', () => {
    for (const [name, message] of golden) {
      const bytes = encoded(message)
      // A body is all that is left, so a shorter body is a valid one; so are the tagged fields behind an error.
      const bodySize = 'body' in message ? message.body.length : 'bytes' in message ? message.bytes.length : 0
      const optional = 'code' in message ? FIELDS_OF_AN_ERROR : bodySize
      for (let length = 0; length < bytes.length - optional; length++) {
        assert.throws(() => decodePeerMessage(bytes.subarray(0, length)), WireError, `${name}, cut to ${length} bytes`)
      }
      if (bodySize === 0) assert.throws(() => decodePeerMessage(concatBytes([bytes, Uint8Array.of(0)])), WireError, name)
    }
  })
})

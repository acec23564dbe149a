import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { StoredSnapshot } from '../ports/index.ts'
import { concatBytes, utf8Encode } from '../lib/index.ts'
import { decodePeerMessage, encodePeerMessage, MAX_CLUSTER_ID_SIZE, MAX_SNAPSHOT_ID_SIZE, WireError } from './index.ts'
import type { SnapshotChunk } from './index.ts'

const KEY = 'a1'.repeat(32)
const snapshot: StoredSnapshot = {
  last: { term: 5, index: 200 },
  membership: { voters: [1], outgoing: [], learners: [], members: [{ id: 1, endpointId: KEY, addresses: [] }] },
  membershipIndex: 3,
  id: 'a',
  clusterId: 'c',
  clusterVersion: 1,
  sizeBytes: 10,
  digest: KEY,
}

function chunk(change: Partial<StoredSnapshot>, rest: Partial<SnapshotChunk> = {}): SnapshotChunk {
  return {
    type: 'snapshot-chunk',
    from: 1,
    term: 7,
    snapshot: { ...snapshot, ...change },
    position: 0,
    bytes: new Uint8Array(10),
    ...rest,
  }
}

const UNSAFE_IDS = [
  '',
  '.',
  '..',
  '../x',
  '/etc',
  'a/b',
  'a\\b',
  '.hidden',
  '-x',
  'a\0',
  'a\n',
  'ä',
  'a b',
  'x'.repeat(MAX_SNAPSHOT_ID_SIZE + 1),
]

describe('writeStoredSnapshot', () => {
  const invalid: [string, SnapshotChunk][] = [
    ['it holds nothing', chunk({ last: { term: 0, index: 0 }, membershipIndex: 0 })],
    ['its membership comes after it', chunk({ membershipIndex: 201 })],
    ['its digest is not SHA-256', chunk({ digest: 'abc' })],
    ['its cluster id is empty', chunk({ clusterId: '' })],
    ['its cluster id is too long', chunk({ clusterId: 'c'.repeat(MAX_CLUSTER_ID_SIZE + 1) })],
    ['a chunk passes its end', chunk({}, { position: 1 })],
    ['a chunk is of an earlier term', chunk({}, { term: 4 })],
    ['a chunk comes from nobody', chunk({}, { from: 0 })],
  ]
  for (const [when, message] of invalid) {
    test(`throws WireError when ${when}`, () => assert.throws(() => encodePeerMessage(message), WireError))
  }
})

describe('snapshot ids', () => {
  test('are refused by writers when they could lead out of a folder', () => {
    for (const id of UNSAFE_IDS) {
      assert.throws(() => encodePeerMessage(chunk({ id })), WireError, JSON.stringify(id))
      assert.throws(() => encodePeerMessage({ type: 'snapshot-progress', from: 1, term: 1, id, received: 0 }), WireError)
    }
  })

  test('are refused by readers when they could lead out of a folder', () => {
    for (const id of UNSAFE_IDS) {
      const name = utf8Encode(id)
      const length = name.length < 128 ? [name.length] : [(name.length % 128) | 128, Math.floor(name.length / 128)]
      const bytes = concatBytes([Uint8Array.fromHex('00310101'), Uint8Array.from(length), name, Uint8Array.of(0)])
      assert.throws(() => decodePeerMessage(bytes), { name: 'WireError', message: /snapshot id/ }, JSON.stringify(id))
    }
  })

  test('are accepted when they are plain file names', () => {
    for (const id of ['a', 'snapshot-5-200.db', '0000_1', 'x'.repeat(MAX_SNAPSHOT_ID_SIZE)]) {
      const message = chunk({ id })
      assert.deepEqual(decodePeerMessage(concatBytes(encodePeerMessage(message))), message)
    }
  })
})

describe('readStoredSnapshot', () => {
  const meta = `05c801 03 0101010000${KEY}00`
  const rest = `0161 0163 01 0a ${KEY}`
  const malformed: [string, string, RegExp][] = [
    [
      'its membership comes after it',
      `01 07 05c801 c901 0101010000${KEY}00 ${rest} 00`,
      /membership is of index 201, after its last, 200/,
    ],
    ['it holds nothing', `01 07 0000 00 0101010000${KEY}00 ${rest} 00`, /holds nothing/],
    ['its cluster id is empty', `01 07 ${meta} 0161 00 01 0a ${KEY} 00`, /the cluster id has 0 bytes/],
    ['its digest is cut', `01 07 ${meta} 0161 0163 01 0a aabb`, /32 bytes should follow/],
    ['a chunk passes its end', `01 07 ${meta} ${rest} 09 aabb`, /2 bytes at 9 pass the end of a snapshot of 10/],
    ['a chunk is of an earlier term', `01 04 ${meta} ${rest} 00`, /node 1 of term 4 offers a snapshot of term 5/],
    ['a chunk comes from nobody', `00 07 ${meta} ${rest} 00`, /node 0 of term 7/],
  ]
  for (const [when, spaced, message] of malformed) {
    test(`throws WireError when ${when}`, () => {
      assert.throws(() => decodePeerMessage(Uint8Array.fromHex(`0030${spaced.replaceAll(' ', '')}`)), {
        name: 'WireError',
        message,
      })
    })
  }
})

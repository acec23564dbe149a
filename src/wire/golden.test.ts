/** What leaves a process, byte for byte: a change here is another version of the link protocol. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes, utf8Encode } from '../lib/index.ts'
import type { Claims } from '../ports/index.ts'
import {
  encodeClaims,
  encodeClientAnswer,
  encodeClientRequest,
  encodeHello,
  encodePeerMessage,
  encodeProof,
  encodeReason,
} from './index.ts'
import { encodeRefusal, FrameQueue } from './index.ts'

const ID = 'ab'.repeat(32)
const NONCE = '07'.repeat(32)
const INSTANCE = '02'.repeat(16)
const CLAIMS: Claims = { nodeId: 3, clusterId: 'c1', addresses: ['h:1'], languageVersion: 1 }
const HEAD = { from: 1, to: 2, term: 7 }

/** The frames of what `fill` puts into a queue. */
function framed(fill: (queue: FrameQueue) => void): Uint8Array {
  const queue = new FrameQueue(100_000, (size) => new Uint8Array(size))
  fill(queue)
  return queue.take(100_000) as Uint8Array
}

const GOLDEN: readonly (readonly [name: string, bytes: Uint8Array, hex: string])[] = [
  [
    'hello',
    encodeHello({
      versions: { min: 2, max: 2 },
      features: 0,
      from: ID,
      to: ID,
      nonce: Uint8Array.from({ length: 32 }, () => 7),
      instance: INSTANCE,
      more: new Uint8Array(0),
    }),
    `010077${'4153504e'}020200${ID}${ID}${NONCE}${INSTANCE}`,
  ],
  ['claims', encodeClaims(CLAIMS), '020103' + '04026331' + '060501' + '03683a31' + '080101'],
  ['claims of a node of no cluster', encodeClaims({ ...CLAIMS, clusterId: null, addresses: [] }), '020103' + '060100' + '080101'],
  [
    'claims of a node of a cluster that was founded anew',
    encodeClaims({ ...CLAIMS, foundedFrom: { clusterId: 'c0', nodeId: 3, foundedAt: 300 } }),
    '020103' + '04026331' + '060501' + '03683a31' + '080101' + '0c06' + '026330' + '03' + 'ac02',
  ],
  ['proof', encodeProof({ mac: new Uint8Array(32), said: Uint8Array.of(2, 1, 3) }), `020023${'00'.repeat(32)}020103`],
  ['refusal', encodeRefusal({ code: 'VERSION_MISMATCH', detail: 'x' }), '030003' + '010178'],
  ['goodbye of one that refuses for a later reason', encodeReason({ code: 'REFUSED', detail: '' }), '0900'],
  ['frame: priority', framed((queue) => queue.push('priority', [Uint8Array.of(9)])), '10000001' + '09'],
  ['frame: normal', framed((queue) => queue.push('normal', [Uint8Array.of(9)])), '00000001' + '09'],
  ['frame: bulk', framed((queue) => queue.push('bulk', [Uint8Array.of(9)])), '40000001' + '09'],
  ['frame: ping', framed((queue) => queue.pushControl('ping', new Uint8Array(0))), '12000000'],
  ['frame: acknowledgement of 65,536 bytes', framed((queue) => queue.acknowledge(65_536)), '15000003' + '808004'],
  ['frame: goodbye', framed((queue) => queue.finish(new Uint8Array(0))), '44000000'],
  [
    'peer message: heartbeat of group 0',
    concatBytes(
      encodePeerMessage({ type: 'raft', message: { type: 'heartbeat', ...HEAD, commit: 1, incarnation: 2, round: 3 } }),
    ),
    '0005' + '010207' + '010203',
  ],
  [
    'peer message: append of one entry that needs version 1',
    concatBytes(
      encodePeerMessage({
        type: 'raft',
        message: {
          type: 'append',
          ...HEAD,
          prev: { term: 7, index: 4 },
          count: 1,
          entries: [{ index: 5, term: 7, kind: 'command', payload: Uint8Array.of(9) }],
          commit: 4,
          incarnation: 2,
          round: 3,
        },
      }),
    ),
    '0003' + '010207' + '0704' + '04' + '0203' + '01' + '01010001' + '01' + '09',
  ],
  [
    'peer message: error, with its status and that it may be retried',
    concatBytes(encodePeerMessage({ type: 'forward-reply', id: 5, ok: false, code: 'NO_LEADER', message: '', details: {} })),
    '0022' + '05' + '094e4f5f4c4541444552' + '00' + '027b7d' + '0202f703' + '0400',
  ],
  [
    'peer message: digests of two entries',
    concatBytes(
      encodePeerMessage({
        type: 'state-digests',
        from: 2,
        digests: [
          { index: 1024, digest: 1 },
          { index: 2048, digest: 2 ** 52 - 1 },
        ],
      }),
    ),
    '0040' + '020102' + '040d' + '8008' + '01' + '8010' + 'ffffffffffffff07',
  ],
  [
    'peer message: what a majority has after an entry',
    concatBytes(encodePeerMessage({ type: 'digest-verdict', from: 1, term: 7, index: 1024, digest: 5 })),
    '0041' + '020101' + '060107' + '08028008' + '0a0105',
  ],
  [
    'peer message: no majority agrees after an entry',
    concatBytes(encodePeerMessage({ type: 'digest-verdict', from: 1, term: 7, index: 1024, digest: null })),
    '0041' + '020101' + '060107' + '08028008',
  ],
  [
    'peer message: a snapshot is wanted',
    concatBytes(encodePeerMessage({ type: 'snapshot-wanted', from: 2, atLeast: 1000 })),
    '0042' + '020102' + '0802e807',
  ],
  [
    'peer message: what the receiver had promised',
    concatBytes(encodePeerMessage({ type: 'reminder', from: 2, term: 7, held: { term: 6, index: 1000 } })),
    '0043' + '020102' + '040107' + '060306e807',
  ],
  [
    'client request: read on channel 0, of group 0',
    concatBytes(encodeClientRequest({ type: 'read', id: 1, timeoutMs: 5, key: utf8Encode('k') })),
    '0000' + '020105' + '6b',
  ],
  ['client answer: nothing found', concatBytes(encodeClientAnswer({ type: 'found', id: 1, entry: null })), '0000' + '0201'],
]

for (const [name, bytes, hex] of GOLDEN)
  test(`golden bytes: ${name}`, () => assert.equal(Buffer.from(bytes).toString('hex'), hex))

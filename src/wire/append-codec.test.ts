import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concatBytes } from '../lib/index.ts'
import { MAX_BATCH_SIZE, MAX_COMMAND_SIZE } from '../limits.ts'
import type { AppendRequest, Entry } from '../raft/index.ts'
import { decodePeerMessage, encodePeerMessage } from './index.ts'

/** An append of term 7, from node 1 to node 2, commit 0, incarnation and round 1. */
function decodeAppend(prev: string, entries: string): unknown {
  return decodePeerMessage(Uint8Array.fromHex(`0003010207${prev}000101${entries}`.replaceAll(' ', '')))
}

function roundTrip(entries: readonly Entry[]): readonly Entry[] {
  const rest = { prev: { term: 0, index: 0 }, commit: 0, incarnation: 1, round: 1 }
  const sent: AppendRequest = { type: 'append', from: 1, to: 2, term: 7, count: entries.length, entries, ...rest }
  const received = decodePeerMessage(concatBytes(encodePeerMessage({ type: 'raft', message: sent })))
  assert.ok(received.type === 'raft' && received.message.type === 'append')
  return received.message.entries
}

describe('readEntries', () => {
  test('reads runs, sizes and payloads', () => {
    const message = decodeAppend('050a', '03 01010002 01010101 01 00 02 aa bbcc')
    assert.deepEqual(message, {
      type: 'raft',
      message: {
        type: 'append',
        from: 1,
        to: 2,
        term: 7,
        prev: { term: 5, index: 10 },
        count: 3,
        entries: [
          { index: 11, term: 5, kind: 'command', payload: Uint8Array.of(0xaa) },
          { index: 12, term: 5, kind: 'command', payload: Uint8Array.of() },
          { index: 13, term: 6, kind: 'command', payload: Uint8Array.of(0xbb, 0xcc) },
        ],
        commit: 0,
        incarnation: 1,
        round: 1,
      },
    })
  })

  test('reads as many entries without payload as an append may have', () => {
    const entries = Array.from({ length: MAX_BATCH_SIZE }, (_, i): Entry => ({
      index: 1 + i,
      term: 7,
      kind: 'noop',
      payload: new Uint8Array(),
    }))
    assert.deepEqual(roundTrip(entries), entries)
  })

  test('reads the founding configuration, the one entry of term 0', () => {
    const entries: Entry[] = [
      { index: 1, term: 0, kind: 'noop', payload: new Uint8Array() },
      { index: 2, term: 1, kind: 'noop', payload: new Uint8Array() },
    ]
    assert.deepEqual(roundTrip(entries), entries)
  })

  test('reads the largest entry', () => {
    const entries: Entry[] = [{ index: 1, term: 1, kind: 'command', payload: new Uint8Array(MAX_COMMAND_SIZE) }]
    assert.deepEqual(roundTrip(entries), entries)
  })

  const malformed: [string, string, string, RegExp][] = [
    ['prev is of a later term', '080a', '00', /its position has term 8, the message 7/],
    ['prev cannot be', '000a', '00', /no position with term 0 and index 10/],
    ['it claims more entries than bytes', '050a', '64 01010001', /only 4 bytes are left/],
    ['it claims more entries than are allowed', '050a', `e907 ${'00'.repeat(2000)}`, /at most 1000 are allowed/],
    ['a kind is not known', '050a', '01 05010001 00 ', /5 is the code of no kind of entry/],
    ['a second entry has term 0', '0000', '02 01010002 00 00', /entry 2 has term 0/],
    ['an entry after the first has term 0', '0001', '01 01010001 00', /entry 2 has term 0/],
    [
      'an entry has a term after the message',
      '050a',
      '01 01010301 00',
      /distance between two terms is 3: it must be from 0 to 2/,
    ],
    ['a run is empty', '050a', '01 01010000 00', /length of a run of entries is 0/],
    ['a run is too long', '050a', '01 01010002 00', /length of a run of entries is 2/],
    ['a run is cut', '050a', '02 01010001 020100', /it ends too early/],
    ['two runs are one', '050a', '02 01010001 01010001 00 00', /two runs of entries are one/],
    ['sizes pass the end', '050a', '02 01010002 01 02 aabb', /the payloads take 3 bytes, but 2 are left/],
    ['sizes do not reach the end', '050a', '02 01010002 01 00 aabb', /the payloads take 1 bytes, but 2 are left/],
    ['an entry is too large', '050a', '01 01010001 81808004', /the size of an entry is 8388609/],
    ['a version is malformed', '050a', '01 04010001 01 00', /cluster version is 0/],
    ['a membership is malformed', '050a', '01 03010001 01 01', /malformed membership of 1 bytes/],
    [
      'indices pass the largest number',
      '05feffffffffffff0f',
      '02 01010002 00 00',
      /2 entries cannot follow index 9007199254740990/,
    ],
  ]
  for (const [when, prev, entries, message] of malformed) {
    test(`throws WireError when ${when}`, () => assert.throws(() => decodeAppend(prev, entries), { name: 'WireError', message }))
  }
})

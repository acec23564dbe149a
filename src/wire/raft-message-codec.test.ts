import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_BATCH_SIZE, MAX_COMMAND_SIZE } from '../limits.ts'
import type { AppendRequest, AppendResponse, Entry, HeartbeatRequest, Message, VoteRequest } from '../raft/index.ts'
import { decodePeerMessage, encodePeerMessage, WireError } from './index.ts'

const head = { from: 1, to: 2, term: 7 }
const round = { incarnation: 1, round: 1 }
const nothing = { term: 0, index: 0 }
const vote: VoteRequest = { type: 'vote', ...head, preVote: false, lastLog: nothing, transfer: false }
const heartbeat: HeartbeatRequest = { type: 'heartbeat', ...head, commit: 0, ...round }
const response: AppendResponse = {
  type: 'append-response',
  ...head,
  success: true,
  match: 1,
  rejected: 0,
  hint: nothing,
  ...round,
}

function entry(index: number, term: number, rest: Partial<Entry> = {}): Entry {
  return { index, term, kind: 'command', payload: Uint8Array.of(9), ...rest }
}

function append(entries: readonly Entry[], rest: Partial<AppendRequest> = {}): AppendRequest {
  return { type: 'append', ...head, prev: { term: 5, index: 10 }, count: entries.length, entries, commit: 0, ...round, ...rest }
}

describe('writeRaftMessage', () => {
  const invalid: [string, Message][] = [
    ['the sender is 0', { ...heartbeat, from: 0 }],
    ['the receiver is 0', { ...heartbeat, to: 0 }],
    ['it goes to its sender', { ...heartbeat, to: 1 }],
    ['the sender is not an integer', { ...heartbeat, from: 1.5 }],
    ['a leader has term 0', { ...heartbeat, term: 0 }],
    ['a candidate has term 0', { ...vote, term: 0 }],
    ['a transfer has term 0', { type: 'timeout-now', ...head, term: 0 }],
    ['a candidate has entries of a later term', { ...vote, lastLog: { term: 8, index: 1 } }],
    ['a position has a term and no index', { ...vote, lastLog: { term: 1, index: 0 } }],
    ['a position has an index and no term', append([], { prev: { term: 0, index: 2 } })],
    ['an append attaches to a later term', append([], { prev: { term: 8, index: 1 } })],
    ['an append announces entries that it does not carry', append([], { count: 1 })],
    ['an append carries entries that it does not announce', append([entry(11, 5)], { count: 0 })],
    ['entries do not follow prev', append([entry(12, 5)])],
    ['an entry after the first has term 0', append([entry(1, 0), entry(2, 0)], { prev: nothing })],
    ['entries have a gap', append([entry(11, 5), entry(13, 5)])],
    ['entries have a term before prev', append([entry(11, 4)])],
    ['terms of entries decrease', append([entry(11, 6), entry(12, 5)])],
    ['entries have a term after the message', append([entry(11, 8)])],
    ['there are too many entries', append(Array.from({ length: MAX_BATCH_SIZE + 1 }, (_, i) => entry(11 + i, 5)))],
    ['an entry is too large', append([entry(11, 5, { payload: new Uint8Array(MAX_COMMAND_SIZE + 1) })])],
    ['a membership entry has no membership', append([entry(11, 5, { kind: 'membership' })])],
    ['a response agrees and refuses', { ...response, rejected: 5 }],
    ['a hint has a later term', { ...response, success: false, rejected: 5, hint: { term: 8, index: 1 } }],
    ['a round is negative', { ...heartbeat, round: -1 }],
    ['a commit is not a safe integer', { ...heartbeat, commit: 2 ** 53 }],
  ]
  for (const [when, message] of invalid) {
    test(`throws WireError when ${when}`, () => assert.throws(() => encodePeerMessage({ type: 'raft', message }), WireError))
  }
})

test('encodePeerMessage: says what is wrong with a message', () => {
  const encode = (message: Message) => () => encodePeerMessage({ type: 'raft', message })
  assert.throws(encode(append([entry(11, 4)])), { message: 'entry 11 has term 4, after term 5' })
  assert.throws(encode(append([entry(12, 5)])), { message: 'entry 12 is where entry 11 should be' })
  assert.throws(encode({ ...heartbeat, to: 1 }), { message: 'invalid heartbeat message: it goes from node 1 to node 1' })
})

describe('readRaftMessage', () => {
  const key = 'a1'.repeat(32)
  const malformed: [string, string, RegExp][] = [
    ['the sender is 0', '0008 00 02 07', /from node 0 to node 2/],
    ['the receiver is 0', '0008 01 00 07', /from node 1 to node 0/],
    ['it goes to its sender', '0008 02 02 07', /from node 2 to node 2/],
    ['a leader has term 0', '0005 01 02 00 00 01 01', /its term is 0/],
    ['a flag is not known', '0002 01 02 07 04', /4 is no set of flags/],
    ['a flag of a response is not known', '0004 01 02 07 02 00 00 0000 01 01', /2 is no set of flags/],
    ['a candidate has entries of a later term', '0001 01 02 07 00 0801', /its position has term 8, the message 7/],
    ['a position has a term and no index', '0001 01 02 07 00 0100', /no position with term 1 and index 0/],
    ['a snapshot is of a later term', `0007 01 02 07 0801 01 0101010000${key}00`, /its position has term 8/],
    ['a snapshot holds nothing', `0007 01 02 07 0000 00 0101010000${key}00`, /holds nothing/],
    ['a response agrees and refuses', '0004 01 02 07 01 00 05 0000 01 01', /it agrees and rejects index 5/],
    ['a number is longer than it needs to be', '0005 01 02 07 8000 01 01', /longer than it needs to be/],
  ]
  for (const [when, spaced, message] of malformed) {
    test(`throws WireError when ${when}`, () => {
      assert.throws(() => decodePeerMessage(Uint8Array.fromHex(spaced.replaceAll(' ', ''))), { name: 'WireError', message })
    })
  }
})

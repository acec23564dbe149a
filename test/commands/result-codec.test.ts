import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { KeyValue, WriteResult } from '../../src/api/index.ts'
import { decodeWriteResult, encodeWriteResult, LaterVersion } from '../../src/commands/index.ts'
import { utf8Encode, WireError } from '../../src/lib/index.ts'
import { MAX_TXN_OPERATIONS } from '../../src/limits.ts'
import { writeResult } from '../../src/wire/arbitraries.test.ts'

const logId = { term: 1, index: 300 }
const entry: KeyValue = { key: utf8Encode('k'), value: utf8Encode('v'), createRevision: 4, modRevision: 300, version: 2 }

function found(change: Partial<KeyValue>): WriteResult {
  return { logId, txn: { succeeded: true, results: [{ type: 'get', entry: { ...entry, ...change } }] } }
}

const golden: [string, WriteResult, string][] = [
  ['a plain write', { logId }, '01 00 01ac02'],
  ['a write that asked for its revision', { logId, revision: 129 }, '01 01 01ac02 8101'],
  ['a transaction whose conditions did not hold', { logId, txn: { succeeded: false, results: [] } }, '01 02 01ac02 00'],
  [
    'a transaction with every kind of result',
    {
      logId,
      txn: {
        succeeded: true,
        results: [
          { type: 'set' },
          { type: 'delete', deleted: false },
          { type: 'delete', deleted: true },
          { type: 'get', entry: null },
          { type: 'get', entry },
        ],
      },
    },
    '01 06 01ac02 05 01 0200 0201 0300 0301 016b 0176 04 ac02 02',
  ],
]

describe('encodeWriteResult', () => {
  for (const [name, value, spaced] of golden) {
    test(`never changes the bytes of ${name}`, () => {
      const hex = spaced.replaceAll(' ', '')
      assert.equal(encodeWriteResult(value).toHex(), hex)
      assert.deepEqual(decodeWriteResult(Uint8Array.fromHex(hex)), value)
    })
  }

  test('round trip: gives the result back', () => {
    fc.assert(fc.property(writeResult, (value) => assert.deepEqual(decodeWriteResult(encodeWriteResult(value)), value)))
  })

  const invalid: [string, WriteResult][] = [
    ['the index is 0', { logId: { term: 1, index: 0 } }],
    ['the term is 0', { logId: { term: 0, index: 1 } }],
    ['a key was created after it was written', found({ createRevision: 301 })],
    ['a key was created at 0', found({ createRevision: 0 })],
    ['a key has version 0', found({ version: 0 })],
    ['a key is empty', found({ key: new Uint8Array() })],
    [
      'there are too many results',
      {
        logId,
        txn: { succeeded: true, results: Array.from({ length: MAX_TXN_OPERATIONS + 1 }, () => ({ type: 'set' as const })) },
      },
    ],
  ]
  for (const [when, value] of invalid) {
    test(`throws WireError when ${when}`, () => assert.throws(() => encodeWriteResult(value), WireError))
  }
})

describe('decodeWriteResult', () => {
  const malformed: [string, string, RegExp][] = [
    ['nothing is there', '', /ends too early/],
    ['the version is 0', '00 00 0101', /no version 0/],
    ['the term is 0', '01 00 0001', /the term is 0/],
    ['the index is 0', '01 00 0100', /the index is 0/],
    ['the revision is 0', '01 01 0101 00', /the revision is 0/],
    ['the outcome is not known', '01 08 0101', /8 is the code of no outcome/],
    ['what is no transaction succeeded', '01 04 0101', /4 is the code of no outcome/],
    ['a result is not known', '01 06 0101 01 06', /6 is the code of no result/],
    ['it claims more results than bytes', '01 06 0101 05 01 01', /only 2 bytes are left/],
    ['it claims more results than are allowed', `01 06 0101 65 ${'01'.repeat(101)}`, /at most 100 are allowed/],
    ['revisions cannot be', '01 06 0101 01 0301 016b 0176 05 04 01', /a key was created at 5, written at 4 and has version 1/],
    ['a byte follows', '01 00 0101 00', /1 bytes too many/],
  ]
  for (const [when, spaced, message] of malformed) {
    test(`throws WireError when ${when}`, () => {
      assert.throws(() => decodeWriteResult(Uint8Array.fromHex(spaced.replaceAll(' ', ''))), { name: 'WireError', message })
    })
  }

  test('throws LaterVersion when it takes a later program to read it', () => {
    assert.throws(
      () => decodeWriteResult(Uint8Array.of(2)),
      (error) => error instanceof LaterVersion && error.needs === 2,
    )
  })
})

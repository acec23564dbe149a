import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Condition, Envelope, Operation, SetOperation } from '../api/index.ts'
import { utf8Encode } from '../lib/index.ts'
import { MAX_CLIENT_ID_SIZE, MAX_COMMAND_SIZE, MAX_KEY_SIZE, MAX_TXN_OPERATIONS, MAX_VALUE_SIZE } from '../limits.ts'
import { envelope } from './arbitraries.test.ts'
import { decodeEnvelope, encodeEnvelope, envelopeSize, WireError } from './index.ts'

const k = utf8Encode('k')
const set: SetOperation = { type: 'set', key: k, value: utf8Encode('w') }

function batch(...operations: Extract<Envelope['command'], { type: 'batch' }>['operations'][number][]): Envelope {
  return { origin: null, command: { type: 'batch', operations } }
}

function txn(compare: Condition[], then: Operation[], otherwise: Operation[]): Envelope {
  return { origin: null, command: { type: 'txn', compare, then, else: otherwise } }
}

function from(client: string, sequence: number): Envelope {
  return { ...batch(set), origin: { client, sequence } }
}

function times<T>(count: number, item: T): T[] {
  return Array.from({ length: count }, () => item)
}

const golden: [string, Envelope, string][] = [
  ['a Set', batch({ type: 'set', key: utf8Encode('hello'), value: utf8Encode('world') }), '0100 01 01 0568656c6c6f 05776f726c64'],
  [
    'a batch with an origin',
    {
      origin: { client: 'c7', sequence: 300 },
      command: {
        type: 'batch',
        operations: [
          { type: 'delete', key: utf8Encode('a') },
          { type: 'set', key: utf8Encode('b'), value: new Uint8Array() },
        ],
      },
    },
    '0101 026337 ac02 02 02 0161 01 0162 00',
  ],
  [
    'a transaction',
    txn(
      [
        { type: 'value', key: k, value: utf8Encode('v') },
        { type: 'mod-revision', key: k, modRevision: 128 },
        { type: 'absent', key: k, absent: true },
        { type: 'absent', key: k, absent: false },
      ],
      [set, { type: 'get', key: k }],
      [{ type: 'delete', key: k }],
    ),
    '0102 04 01016b0176 02016b8001 03016b 04016b 02 01016b0177 03016b 01 02016b',
  ],
]

describe('encodeEnvelope', () => {
  for (const [name, value, spaced] of golden) {
    test(`never changes the bytes of ${name}`, () => {
      const hex = spaced.replaceAll(' ', '')
      assert.equal(encodeEnvelope(value).toHex(), hex)
      assert.deepEqual(decodeEnvelope(Uint8Array.fromHex(hex)), value)
    })
  }

  test('round trip: gives the envelope back, in as many bytes as envelopeSize says', () => {
    fc.assert(
      fc.property(envelope, (value) => {
        const bytes = encodeEnvelope(value)
        assert.equal(bytes.length, envelopeSize(value))
        assert.deepEqual(decodeEnvelope(bytes), value)
      }),
    )
  })

  test('adds at most ten bytes to the key and value of a Set', () => {
    const size = encodeEnvelope(
      batch({ type: 'set', key: new Uint8Array(MAX_KEY_SIZE), value: new Uint8Array(MAX_VALUE_SIZE) }),
    ).length
    assert.ok(size - MAX_KEY_SIZE - MAX_VALUE_SIZE <= 10)
    assert.ok(size <= MAX_COMMAND_SIZE)
  })

  const limits: [string, Envelope][] = [
    ['the key is empty', batch({ type: 'delete', key: new Uint8Array() })],
    ['the key is too large', batch({ type: 'delete', key: new Uint8Array(MAX_KEY_SIZE + 1) })],
    ['the value is too large', batch({ type: 'set', key: k, value: new Uint8Array(MAX_VALUE_SIZE + 1) })],
    [
      'a condition has a key that is too large',
      txn([{ type: 'absent', key: new Uint8Array(MAX_KEY_SIZE + 1), absent: true }], [], []),
    ],
    ['a batch is empty', batch()],
    ['a batch is too long', { origin: null, command: { type: 'batch', operations: times(101, { type: 'delete', key: k }) } }],
    ['a transaction is empty', txn([], [], [])],
    ['a transaction is too long', txn([], times(MAX_TXN_OPERATIONS, set), [set])],
    ['the client is empty', from('', 1)],
    ['the client is too long', from('c'.repeat(MAX_CLIENT_ID_SIZE + 1), 1)],
    ['the client is not Unicode', from('\udc00', 1)],
    ['the sequence is negative', from('c', -1)],
    ['a mod_revision is not whole', txn([{ type: 'mod-revision', key: k, modRevision: 0.5 }], [], [])],
  ]
  for (const [when, value] of limits) {
    test(`throws WireError when ${when}`, () => assert.throws(() => encodeEnvelope(value), WireError))
  }

  test('accepts the largest of everything', () => {
    const largest = txn(
      [{ type: 'absent', key: new Uint8Array(MAX_KEY_SIZE), absent: true }],
      times(MAX_TXN_OPERATIONS - 1, set),
      [],
    )
    const value = { ...largest, origin: { client: 'c'.repeat(MAX_CLIENT_ID_SIZE), sequence: Number.MAX_SAFE_INTEGER } }
    assert.deepEqual(decodeEnvelope(encodeEnvelope(value)), value)
  })
})

describe('decodeEnvelope', () => {
  test('copies nothing: keys and values are views of the bytes', () => {
    const bytes = encodeEnvelope(batch(set))
    const { command } = decodeEnvelope(bytes)
    assert.ok(command.type === 'batch')
    for (const operation of command.operations) assert.equal(operation.key.buffer, bytes.buffer)
  })

  const malformed: [string, string, RegExp][] = [
    ['nothing is there', '', /ends too early/],
    ['the version is not known', '0200010101610161', /version 2/],
    ['a flag is not known', '0104010101610161', /flags 4/],
    ['an operation is not known', '0100 01 04 0161', /4 is the code of no operation/],
    ['a batch has no operations', '0100 00', /a batch has no operations/],
    ['a batch reads', '0100 01 03 0161', /a batch does not read/],
    ['it claims more operations than bytes', '0100 64 02 0161', /only 3 bytes are left/],
    ['it claims more operations than are allowed', `0100 65 ${'020161'.repeat(101)}`, /at most 100 are allowed/],
    ['the key is empty', '0100 01 02 00 00', /the key has 0 bytes/],
    ['the key is too large', `0100 01 02 8108 ${'00'.repeat(1025)}`, /the key has 1025 bytes/],
    ['the key passes the end', '0100 01 02 0261', /2 bytes should follow, but only 1 are left/],
    ['the value is too large', '0100 01 01 0161 818040 00', /the value has 1048577 bytes/],
    ['a condition is not known', '0102 01 05 0161 00 00', /5 is the code of no condition/],
    ['a transaction is empty', '0102 00 00 00', /a transaction is empty/],
    [
      'a transaction is too long',
      `0102 00 64 ${'030161'.repeat(100)} 01 030161`,
      /it claims 1 operations: at most 0 are allowed/,
    ],
    ['the client is empty', '0101 00 00 01 02 0161', /the client has 0 bytes/],
    ['a byte follows', '0100 01 02 0161 00', /1 bytes too many/],
  ]
  for (const [when, spaced, message] of malformed) {
    test(`throws WireError when ${when}`, () => {
      assert.throws(() => decodeEnvelope(Uint8Array.fromHex(spaced.replaceAll(' ', ''))), { name: 'WireError', message })
    })
  }
})

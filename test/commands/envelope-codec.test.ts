import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  answersAtCommit,
  decodeEnvelope,
  encodeEnvelope,
  envelopeSize,
  envelopeVersion,
  LaterVersion,
  stampEnvelope,
} from '../../src/commands/index.ts'
import type { Condition, Envelope, Operation, SetOperation } from '../../src/commands/index.ts'
import { utf8Encode, WireError } from '../../src/lib/index.ts'
import { MAX_CLIENT_ID_SIZE, MAX_COMMAND_SIZE, MAX_KEY_SIZE, MAX_TXN_OPERATIONS, MAX_VALUE_SIZE } from '../../src/limits.ts'
import { envelope } from '../../src/wire/arbitraries.test.ts'

const k = utf8Encode('k')
const set: SetOperation = { type: 'set', key: k, value: utf8Encode('w') }

const PLAIN = { origin: null, wantsRevision: false, elapsedMs: 0 }

function batch(...operations: Operation[]): Envelope {
  return { ...PLAIN, command: { type: 'batch', operations } }
}

function txn(compare: Condition[], then: Operation[], otherwise: Operation[]): Envelope {
  return { ...PLAIN, command: { type: 'txn', compare, then, else: otherwise } }
}

function from(client: string, sequence: number): Envelope {
  return { ...batch(set), origin: { client, sequence } }
}

function times<T>(count: number, item: T): T[] {
  return Array.from({ length: count }, () => item)
}

const golden: [string, Envelope, string][] = [
  [
    'a Set',
    batch({ type: 'set', key: utf8Encode('hello'), value: utf8Encode('world') }),
    '0100 00000000 01 01 0568656c6c6f 05776f726c64',
  ],
  [
    'a batch with an origin',
    {
      ...PLAIN,
      origin: { client: 'c7', sequence: 300 },
      command: {
        type: 'batch',
        operations: [
          { type: 'delete', key: utf8Encode('a') },
          { type: 'set', key: utf8Encode('b'), value: new Uint8Array() },
        ],
      },
    },
    '0101 00000000 026337 ac02 02 02 0161 01 0162 00',
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
    '0102 00000000 04 01016b0176 02016b8001 03016b01 03016b00 02 01016b0177 03016b 01 02016b',
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

  test('adds at most 14 bytes to the key and value of a Set', () => {
    const size = encodeEnvelope(
      batch({ type: 'set', key: new Uint8Array(MAX_KEY_SIZE), value: new Uint8Array(MAX_VALUE_SIZE) }),
    ).length
    assert.ok(size - MAX_KEY_SIZE - MAX_VALUE_SIZE <= 14)
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
    ['a batch is too long', { ...PLAIN, command: { type: 'batch', operations: times(101, { type: 'delete', key: k }) } }],
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
    ['the version is 0', '00000000000001010161', /no version 0/],
    ['a flag is not known', '0110 00000000 01 01 0161 0161', /flags 16/],
    ['it has a time and no stamp', '0100 01000000 01 01 0161 0161', /time has passed for it that no leader has measured/],
    ['the sequence is 0', '0101 00000000 0163 00 01 02 0161', /the sequence is 0/],
    ['an operation is not known', '0100 00000000 01 04 0161', /4 is the code of no operation/],
    ['a batch has no operations', '0100 00000000 00', /a batch has no operations/],
    ['a batch reads', '0100 00000000 01 03 0161', /a batch does not read/],
    ['it claims more operations than bytes', '0100 00000000 64 02 0161', /only 3 bytes are left/],
    ['it claims more operations than are allowed', `0100 00000000 65 ${'020161'.repeat(101)}`, /at most 100 are allowed/],
    ['the key is empty', '0100 00000000 01 02 00 00', /the key has 0 bytes/],
    ['the key is too large', `0100 00000000 01 02 8108 ${'00'.repeat(1025)}`, /the key has 1025 bytes/],
    ['the key passes the end', '0100 00000000 01 02 0261', /2 bytes should follow, but only 1 are left/],
    ['the value is too large', '0100 00000000 01 01 0161 818040 00', /the value has 1048577 bytes/],
    ['a condition is not known', '0102 00000000 01 05 0161 00 00', /5 is the code of no condition/],
    ['a transaction is empty', '0102 00000000 00 00 00', /a transaction is empty/],
    [
      'a transaction is too long',
      `0102 00000000 00 64 ${'030161'.repeat(100)} 01 030161`,
      /it claims 1 operations: at most 0 are allowed/,
    ],
    ['the client is empty', '0101 00000000 00 00 01 02 0161', /the client has 0 bytes/],
    ['a byte follows', '0100 00000000 01 02 0161 00', /1 bytes too many/],
  ]
  for (const [when, spaced, message] of malformed) {
    test(`throws WireError when ${when}`, () => {
      assert.throws(() => decodeEnvelope(Uint8Array.fromHex(spaced.replaceAll(' ', ''))), { name: 'WireError', message })
    })
  }
})

describe('stampEnvelope', () => {
  const bytes = (): Uint8Array => encodeEnvelope(batch(set))

  test('writes the time in place, and nothing else', () => {
    fc.assert(
      fc.property(envelope, fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value, elapsedMs) => {
        const encoded = encodeEnvelope(value)
        assert.equal(stampEnvelope(encoded, elapsedMs), encoded)
        assert.deepEqual(decodeEnvelope(encoded), { ...value, elapsedMs })
      }),
    )
  })

  test('never changes bytes that are in a log already, and never believes what they say', () => {
    const first = stampEnvelope(bytes(), 7)
    const second = stampEnvelope(first, 9)
    assert.deepEqual([decodeEnvelope(first).elapsedMs, decodeEnvelope(second).elapsedMs], [7, 9])
  })

  test('is bounded', () => {
    assert.equal(decodeEnvelope(stampEnvelope(bytes(), 2 ** 40)).elapsedMs, 2 ** 32 - 1)
  })
})

describe('answersAtCommit', () => {
  test('is for what always answers the same: no origin, no transaction, no revision; stamped or not', () => {
    fc.assert(
      fc.property(envelope, fc.boolean(), (value, stamped) => {
        const encoded = encodeEnvelope(value)
        const expected = value.origin === null && value.command.type === 'batch' && !value.wantsRevision
        assert.equal(answersAtCommit(stamped ? stampEnvelope(encoded, 5) : encoded), expected)
      }),
    )
  })
})

describe('a later version', () => {
  test('decodeEnvelope: says which version is needed, whatever follows', () => {
    assert.throws(
      () => decodeEnvelope(Uint8Array.of(9, 255)),
      (error) => error instanceof LaterVersion && error.needs === 9,
    )
    assert.equal(envelopeVersion(Uint8Array.of(9, 255)), 9)
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { utf8Encode } from '../lib/index.ts'
import { MAX_KEY_SIZE, MAX_SETMULTI_KEYS, MAX_TXN_OPERATIONS, MAX_VALUE_SIZE } from '../limits.ts'
import { toKey, toValue } from '../api/index.ts'
import type { ErrorCode, WriteCommand } from '../api/index.ts'
import { toCommand } from './spelling.ts'

const refused = (code: ErrorCode, run: () => unknown): void => assert.throws(run, { name: 'AspenError', code })
const many = <T>(count: number, item: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => item(i))
const key = utf8Encode('k')
const value = utf8Encode('v')

describe('toKey', () => {
  test('toKey: takes 1 byte to the limit, counted in UTF-8', () => {
    assert.equal(toKey('a').length, 1)
    assert.equal(toKey('a'.repeat(MAX_KEY_SIZE)).length, MAX_KEY_SIZE)
    assert.deepEqual(toKey('ü😀'), utf8Encode('ü😀'))
    assert.equal(toKey('ü'.repeat(MAX_KEY_SIZE / 2)).length, MAX_KEY_SIZE)
    refused('KEY_TOO_LARGE', () => toKey('ü'.repeat(MAX_KEY_SIZE / 2) + 'a'))
  })

  test('toKey: refuses what is empty or too large, as text and as bytes', () => {
    refused('INVALID_KEY', () => toKey(''))
    refused('INVALID_KEY', () => toKey(new Uint8Array(0)))
    refused('KEY_TOO_LARGE', () => toKey(new Uint8Array(MAX_KEY_SIZE + 1)))
    assert.throws(() => toKey('a'.repeat(MAX_KEY_SIZE + 1)), { details: { size: MAX_KEY_SIZE + 1, limit: MAX_KEY_SIZE } })
  })

  test('toKey: refuses lone surrogates instead of replacing them', () => {
    for (const text of ['\ud800', 'a\udc00b', '\udc00\ud800']) refused('INVALID_REQUEST', () => toKey(text))
    assert.deepEqual(toKey('\ud83d\ude00'), utf8Encode('😀'))
  })
})

describe('toValue', () => {
  test('toValue: takes nothing up to the limit', () => {
    assert.equal(toValue('').length, 0)
    assert.equal(toValue(new Uint8Array(MAX_VALUE_SIZE)).length, MAX_VALUE_SIZE)
    refused('VALUE_TOO_LARGE', () => toValue(new Uint8Array(MAX_VALUE_SIZE + 1)))
    refused('VALUE_TOO_LARGE', () => toValue('ü'.repeat(MAX_VALUE_SIZE / 2) + 'a'))
    refused('INVALID_REQUEST', () => toValue('\ud800'))
  })
})

describe('toCommand', () => {
  test('toCommand: turns the four plain commands into lists of operations, in order', () => {
    assert.deepEqual(toCommand({ Set: { key: 'k', value: 'v' } }), { type: 'batch', operations: [{ type: 'set', key, value }] })
    assert.deepEqual(toCommand({ Delete: { key: 'k' } }), { type: 'batch', operations: [{ type: 'delete', key }] })
    const pairs = [
      ['k', 'v'],
      ['k', ''],
    ] as const
    assert.deepEqual(toCommand({ SetMulti: { pairs } }), {
      type: 'batch',
      operations: [
        { type: 'set', key, value },
        { type: 'set', key, value: new Uint8Array(0) },
      ],
    })
    assert.deepEqual(toCommand({ DeleteMulti: { keys: ['k', 'v'] } }), {
      type: 'batch',
      operations: [
        { type: 'delete', key },
        { type: 'delete', key: value },
      ],
    })
  })

  test('toCommand: turns every kind of condition and operation of a transaction', () => {
    const txn: WriteCommand = {
      Txn: {
        compare: [
          { key: 'k', value: 'v' },
          { key: 'k', mod_revision: 0 },
          { key: 'k', absent: false },
        ],
        then: [{ Set: { key: 'k', value: 'v' } }, { Get: { key: 'k' } }],
        else: [{ Delete: { key: 'k' } }],
      },
    }
    assert.deepEqual(toCommand(txn), {
      type: 'txn',
      compare: [
        { type: 'value', key, value },
        { type: 'mod-revision', key, modRevision: 0 },
        { type: 'absent', key, absent: false },
      ],
      then: [
        { type: 'set', key, value },
        { type: 'get', key },
      ],
      else: [{ type: 'delete', key }],
    })
    assert.deepEqual(toCommand({ Txn: { compare: [], then: [{ Get: { key: 'k' } }] } }), {
      type: 'txn',
      compare: [],
      then: [{ type: 'get', key }],
      else: [],
    })
  })

  test('toCommand: holds batches to 1 to the limit of keys', () => {
    const pairs = (count: number): WriteCommand => ({ SetMulti: { pairs: many(count, (i) => [`k${i}`, 'v'] as const) } })
    const keys = (count: number): WriteCommand => ({ DeleteMulti: { keys: many(count, (i) => `k${i}`) } })
    for (const write of [pairs, keys]) {
      refused('INVALID_REQUEST', () => toCommand(write(0)))
      refused('BATCH_TOO_LARGE', () => toCommand(write(MAX_SETMULTI_KEYS + 1)))
      const command = toCommand(write(MAX_SETMULTI_KEYS))
      assert.equal(command.type === 'batch' && command.operations.length, MAX_SETMULTI_KEYS)
    }
  })

  test('toCommand: counts conditions and both branches of a transaction together', () => {
    const get = { Get: { key: 'k' } }
    const condition = { key: 'k', absent: true }
    const txn = (compare: number, then: number, otherwise: number): WriteCommand => ({
      Txn: { compare: many(compare, () => condition), then: many(then, () => get), else: many(otherwise, () => get) },
    })
    refused('INVALID_REQUEST', () => toCommand(txn(0, 0, 0)))
    toCommand(txn(0, 0, 1))
    toCommand(txn(20, 40, MAX_TXN_OPERATIONS - 60))
    for (const [a, b, c] of [
      [21, 40, 40],
      [20, 41, 40],
      [20, 40, 41],
    ] as const) {
      refused('BATCH_TOO_LARGE', () => toCommand(txn(a, b, c)))
    }
  })

  test('toCommand: refuses a bad key or value wherever it stands', () => {
    const good = { Get: { key: 'k' } }
    const set = { Set: { key: '', value: 'v' } }
    refused('INVALID_KEY', () => toCommand(set))
    refused('INVALID_KEY', () =>
      toCommand({
        SetMulti: {
          pairs: [
            ['k', 'v'],
            ['', 'v'],
          ],
        },
      }),
    )
    refused('INVALID_KEY', () => toCommand({ DeleteMulti: { keys: ['k', ''] } }))
    refused('INVALID_KEY', () => toCommand({ Txn: { compare: [{ key: '', absent: true }], then: [good] } }))
    refused('INVALID_KEY', () => toCommand({ Txn: { compare: [], then: [set] } }))
    refused('INVALID_KEY', () => toCommand({ Txn: { compare: [], then: [good], else: [{ Delete: { key: '' } }] } }))
    const large = new Uint8Array(MAX_VALUE_SIZE + 1)
    refused('VALUE_TOO_LARGE', () => toCommand({ SetMulti: { pairs: [['k', large]] } }))
    refused('VALUE_TOO_LARGE', () => toCommand({ Txn: { compare: [{ key: 'k', value: large }], then: [good] } }))
  })

  test('toCommand: refuses a revision that is no whole number from 0', () => {
    for (const mod_revision of [-1, 1.5, Number.NaN, 2 ** 53]) {
      refused('INVALID_REQUEST', () => toCommand({ Txn: { compare: [{ key: 'k', mod_revision }], then: [] } }))
    }
  })

  test('toCommand: refuses shapes that are no command, operation or condition', () => {
    refused('INVALID_REQUEST', () => toCommand({ Increment: { key: 'k' } } as unknown as WriteCommand))
    const txn = (part: object): WriteCommand => ({ Txn: { compare: [], then: [], ...part } })
    refused('INVALID_REQUEST', () => toCommand(txn({ then: [{ Put: { key: 'k' } }] })))
    refused('INVALID_REQUEST', () => toCommand(txn({ compare: [{ key: 'k' }] })))
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compareBytes, utf8Encode } from '../lib/index.ts'
import { DEFAULT_SCAN_LIMIT, MAX_KEY_SIZE, MAX_SCAN_LIMIT, MAX_SCAN_TOKEN_SIZE } from '../limits.ts'
import type { ErrorCode } from './errors.ts'
import type { ScanRange, ScanRequest } from './key-value-store.ts'
import { remainingRange, scanLimit, scanToken } from './scan-pages.ts'

const refused = (code: ErrorCode, request: ScanRequest): void =>
  assert.throws(() => remainingRange(request), { name: 'AspenError', code })
const bytes = utf8Encode
const covers = ({ start, end }: ScanRange, key: Uint8Array): boolean =>
  compareBytes(key, start) >= 0 && (end === null || compareBytes(key, end) < 0)

describe('remainingRange', () => {
  test('remainingRange: is everything without a prefix or range', () => {
    assert.deepEqual(remainingRange({}), { start: bytes(''), end: null })
    assert.deepEqual(remainingRange({ prefix: '' }), { start: bytes(''), end: null })
    assert.deepEqual(remainingRange({ start: '' }), { start: bytes(''), end: null })
  })

  test('remainingRange: ends behind the last key of a prefix', () => {
    assert.deepEqual(remainingRange({ prefix: 'ab' }), { start: bytes('ab'), end: bytes('ac') })
    assert.deepEqual(remainingRange({ prefix: Uint8Array.of(0xff) }), { start: Uint8Array.of(0xff), end: null })
  })

  test('remainingRange: takes start inclusively and end exclusively', () => {
    assert.deepEqual(remainingRange({ start: 'a', end: 'b' }), { start: bytes('a'), end: bytes('b') })
    assert.deepEqual(remainingRange({ end: 'b' }), { start: bytes(''), end: bytes('b') })
  })

  test('remainingRange: refuses a prefix beside a range, and bounds that are no keys', () => {
    refused('INVALID_REQUEST', { prefix: 'a', start: 'a' })
    refused('INVALID_REQUEST', { prefix: 'a', end: 'b' })
    refused('INVALID_KEY', { end: '' })
    refused('KEY_TOO_LARGE', { prefix: 'a'.repeat(MAX_KEY_SIZE + 1) })
    refused('KEY_TOO_LARGE', { start: 'a'.repeat(MAX_KEY_SIZE + 1) })
    refused('INVALID_REQUEST', { prefix: '\ud800' })
  })

  test('remainingRange: goes on behind the key of the token, leaving out none', () => {
    const key = fc.uint8Array({ minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(key, key, (last, other) => {
        const left = remainingRange({ token: scanToken(last) })
        assert.equal(covers(left, other), compareBytes(other, last) > 0)
      }),
    )
    const rest = remainingRange({ prefix: 'ab', token: scanToken(bytes('abc')) })
    assert.deepEqual(rest, { start: bytes('abc\0'), end: bytes('ac') })
  })

  test('remainingRange: refuses a token of another prefix or range', () => {
    refused('INVALID_TOKEN', { prefix: 'ab', token: scanToken(bytes('ac')) })
    refused('INVALID_TOKEN', { prefix: 'ab', token: scanToken(bytes('aa')) })
    refused('INVALID_TOKEN', { start: 'b', end: 'c', token: scanToken(bytes('c')) })
    assert.deepEqual(remainingRange({ start: 'b', end: 'c', token: scanToken(bytes('b')) }).start, bytes('b\0'))
  })

  test('remainingRange: refuses what no scan gave', () => {
    const good = scanToken(bytes('key'))
    for (const token of ['', 's1.', 's2.a2V5', 'a2V5', `${good}=`, `${good} `, 's1.*', good.slice(0, -1), `x${good}`]) {
      refused('INVALID_TOKEN', { token })
    }
  })

  test('remainingRange: refuses the token of a key that is too large, and what is longer than any token', () => {
    const largest = new Uint8Array(MAX_KEY_SIZE).fill(1)
    assert.deepEqual(remainingRange({ token: scanToken(largest) }).start, Uint8Array.of(...largest, 0))
    refused('INVALID_TOKEN', { token: scanToken(Uint8Array.of(...largest, 1)) })
    const token = 's1.'.padEnd(MAX_SCAN_TOKEN_SIZE + 1, 'A')
    assert.throws(() => remainingRange({ token }), { code: 'INVALID_TOKEN', message: /2049 characters, .* more than 2048/ })
  })

  test('remainingRange: takes each key by one token only', () => {
    // The last character of "s1.YQ" has four bits to spare: a second spelling of the same key.
    assert.equal(scanToken(bytes('a')), 's1.YQ')
    refused('INVALID_TOKEN', { token: 's1.YR' })
    refused('INVALID_TOKEN', { token: 's1.Y Q' })
  })
})

describe('scanLimit', () => {
  test('scanLimit: is the default when absent, and whole from 1 to the limit', () => {
    assert.equal(scanLimit({}), DEFAULT_SCAN_LIMIT)
    assert.equal(scanLimit({ limit: 1 }), 1)
    assert.equal(scanLimit({ limit: MAX_SCAN_LIMIT }), MAX_SCAN_LIMIT)
    for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, MAX_SCAN_LIMIT + 1]) {
      assert.throws(() => scanLimit({ limit }), { name: 'AspenError', code: 'INVALID_REQUEST' })
    }
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concatBytes, utf8Encode } from '../lib/index.ts'
import { decodeClientAnswer, encodeClientAnswer } from './client-answer-codec.ts'
import type { ClientAnswer } from './client-message.ts'

const encode = (answer: ClientAnswer): Uint8Array => concatBytes(encodeClientAnswer(answer))
const entry = { key: utf8Encode('k'), value: utf8Encode('v'), createRevision: 2, modRevision: 9, version: 3 }
const ENTRY = '016b' + '0176' + '020903'

describe('answers to clients', () => {
  test('encodeClientAnswer: writes the same bytes as ever', () => {
    const golden: readonly [ClientAnswer, string][] = [
      [{ type: 'written', id: 1, result: { logId: { term: 2, index: 300 } } }, '0101' + '010002ac02'],
      [{ type: 'found', id: 300, entry: null }, '02ac02'],
      [{ type: 'found', id: 3, entry }, '0303' + ENTRY],
      [{ type: 'page', id: 4, page: { entries: [entry], token: 's1.aw' } }, '0404' + '0573312e6177' + '01' + ENTRY],
      [{ type: 'page', id: 4, page: { entries: [], token: null } }, '0504' + '00'],
      [
        { type: 'error', id: 5, code: 'INTERNAL', message: 'm', details: {} },
        '0605' + '08494e5445524e414c' + '016d' + '027b7d' + '0202f403',
      ],
      [{ type: 'drained' }, '07'],
    ]
    for (const [answer, hex] of golden) {
      assert.equal(encode(answer).toHex(), `0000${hex}`)
      assert.deepEqual(decodeClientAnswer(Uint8Array.fromHex(`0000${hex}`)), answer)
    }
  })

  test('decodeClientAnswer: reads the code of an error that only a later version knows as one to be treated alike', () => {
    const answer: ClientAnswer = { type: 'error', id: 5, code: 'MOON_PHASE', message: 'm', details: { a: [1] } }
    const details = { a: [1], later_code: 'MOON_PHASE' }
    assert.deepEqual(decodeClientAnswer(encode(answer)), { ...answer, code: 'INTERNAL', message: 'MOON_PHASE: m', details })
  })

  test('decodeClientAnswer: names a channel or a group that it does not know', () => {
    assert.throws(() => decodeClientAnswer(Uint8Array.fromHex('010007')), { part: 'channel' })
    assert.throws(() => decodeClientAnswer(Uint8Array.fromHex('000107')), { part: 'group' })
  })

  test('decodeClientAnswer: refuses what no node says', () => {
    const bad: readonly [string, RegExp][] = [
      ['', /ends too early/],
      ['0801', /8 is the code of no answer/],
      ['0700', /1 bytes too many/],
      ['0201' + '00', /1 bytes too many/],
      ['0501' + 'e907', /it claims 1001 entries/],
      ['0501' + '02' + ENTRY, /it claims 2 entries|ends too early/],
      ['0303' + '016b' + '0176' + '090203', /created at 9, written at 2/],
      ['0401' + '00' + '00', /the token has 0 bytes/],
    ]
    for (const [hex, message] of bad)
      assert.throws(() => decodeClientAnswer(Uint8Array.fromHex(`0000${hex}`)), { name: 'WireError', message }, hex)
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concatBytes, utf8Encode } from '../lib/index.ts'
import type { ClientRequest } from './client-message.ts'
import { decodeClientRequest, encodeClientRequest } from './client-request-codec.ts'

const encode = (request: ClientRequest): Uint8Array => concatBytes(encodeClientRequest(request))
const key = utf8Encode('key')

describe('client requests', () => {
  test('encodeClientRequest: writes the same bytes as ever', () => {
    const golden: readonly [ClientRequest, string][] = [
      [{ type: 'write', id: 1, timeoutMs: 5000, envelope: Uint8Array.of(1, 2) }, '01018827' + '0102'],
      [{ type: 'read', id: 300, timeoutMs: 1, key }, '02ac0201' + '6b6579'],
      [{ type: 'scan', id: 2, timeoutMs: 60_000, request: {} }, '0302e0d403' + '00'],
      [
        { type: 'scan', id: 2, timeoutMs: 1, request: { start: key, end: 'z', limit: 7, token: 's1.aw' } },
        '030201' + '1e' + '036b6579' + '017a' + '07' + '0573312e6177',
      ],
      [{ type: 'scan', id: 2, timeoutMs: 1, request: { prefix: '' } }, '030201' + '01' + '00'],
      [{ type: 'scan', id: 2, timeoutMs: 1, request: { end: 'z' } }, '030201' + '04' + '017a'],
    ]
    for (const [request, hex] of golden) assert.equal(encode(request).toHex(), `0000${hex}`)
  })

  test('decodeClientRequest: reads what was written, text of bounds as bytes', () => {
    const requests: readonly ClientRequest[] = [
      { type: 'write', id: 1, timeoutMs: 5000, envelope: new Uint8Array(10_000).fill(7) },
      { type: 'read', id: Number.MAX_SAFE_INTEGER, timeoutMs: 60_000, key },
      { type: 'scan', id: 2, timeoutMs: 1, request: { prefix: key, token: 's1.a2V5' } },
      { type: 'scan', id: 2, timeoutMs: 1, request: { start: new Uint8Array(), end: key, limit: 1000 } },
    ]
    for (const request of requests) assert.deepEqual(decodeClientRequest(encode(request)), request)
  })

  test('decodeClientRequest: a request with a number, and the rest unreadable, can be refused by its number', () => {
    const bodies: readonly [string, RegExp][] = [
      ['010900', /timeout is 0/],
      ['0109e1d403', /timeout is 60001/],
      ['0909' + '01', /9 is the code of no request/],
      ['030901' + '20', /the flags 32 are not known/],
      ['030901' + '0000', /1 bytes too many/],
      ['030901' + '08e907', /limit is 1001/],
      ['030901' + '01' + '0161'.slice(0, 2), /1 bytes should follow/],
    ]
    for (const [hex, problem] of bodies) {
      const request = decodeClientRequest(Uint8Array.fromHex(`0000${hex}`))
      assert.ok(request.type === 'unreadable' && request.id === 9, hex)
      assert.match(request.problem, problem)
    }
  })

  test('decodeClientRequest: throws where there is no number to refuse', () => {
    for (const hex of ['', '01', '0180', '018000']) {
      assert.throws(() => decodeClientRequest(Uint8Array.fromHex(`0000${hex}`)), { name: 'WireError' }, hex)
    }
  })

  test('decodeClientRequest: names a channel or a group that it does not know', () => {
    assert.throws(() => decodeClientRequest(Uint8Array.fromHex('0100' + '01018827')), { part: 'channel' })
    assert.throws(() => decodeClientRequest(Uint8Array.fromHex('000701018827')), { part: 'group' })
  })

  test('encodeClientRequest: refuses a timeout that no node takes', () => {
    for (const timeoutMs of [0, -1, 60_001, 0.5]) {
      assert.throws(() => encodeClientRequest({ type: 'read', id: 1, timeoutMs, key }), { name: 'WireError' })
    }
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ERROR_CATALOGUE } from '../api/index.ts'
import type { ErrorCode, ErrorDetails } from '../api/index.ts'
import { concatBytes, utf8Encode } from '../lib/index.ts'
import { ByteWriter, decodePeerMessage, encodePeerMessage, MAX_ERROR_TEXT_SIZE, WireError } from './index.ts'
import type { ForwardReply, ForwardRequest, PeerMessage } from './index.ts'

type Failure = Extract<ForwardReply, { ok: false }>

function failure(change: Partial<Failure>): Failure {
  return { type: 'forward-reply', id: 1, ok: false, code: 'INTERNAL', message: '', details: {}, ...change }
}

function request(timeoutMs: number): ForwardRequest {
  return { type: 'forward', id: 1, operation: 'write', timeoutMs, body: utf8Encode('x') }
}

function roundTrip(message: PeerMessage): PeerMessage {
  return decodePeerMessage(concatBytes(encodePeerMessage(message)))
}

function decodeFailure(code: string, message: Uint8Array, details: string, fields: Uint8Array = new Uint8Array(0)): PeerMessage {
  const writer = new ByteWriter()
  writer.raw(Uint8Array.fromHex('002201'))
  for (const bytes of [utf8Encode(code), message, utf8Encode(details)]) writer.prefixed(bytes)
  writer.raw(fields)
  return decodePeerMessage(writer.finish())
}

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)]
}

describe('writeForwardReply', () => {
  test('carries every code of the catalogue', () => {
    for (const code of Object.keys(ERROR_CATALOGUE) as ErrorCode[])
      assert.deepEqual(roundTrip(failure({ code })), failure({ code }))
  })

  test('replaces lone surrogates of the message', () => {
    assert.deepEqual(roundTrip(failure({ message: 'a\ud800b' })), failure({ message: 'a\ufffdb' }))
  })

  test('leaves out details that are not JSON, too deep or too large', () => {
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    const throwing = { toJSON: () => assert.fail('it throws') }
    const bad: unknown[] = [circular, { n: 1n }, { deep: nested(16) }, throwing, undefined, null, [], 'text']
    const large = [{ text: 'x'.repeat(MAX_ERROR_TEXT_SIZE) }, { text: 'ü'.repeat(MAX_ERROR_TEXT_SIZE / 2) }]
    for (const details of [...bad, ...large]) {
      const answer = roundTrip(failure({ details: details as ErrorDetails }))
      assert.match(JSON.stringify(answer), /"details":\{"details":"left out/)
    }
    assert.deepEqual(roundTrip(failure({ details: { deep: nested(15) } })), failure({ details: { deep: nested(15) } }))
  })

  test('cuts a message that is too large, between characters', () => {
    for (const text of ['x', 'ü', '€', '😀', 'a😀', 'ab😀']) {
      const message = text.repeat(MAX_ERROR_TEXT_SIZE)
      const answer = roundTrip(failure({ message })) as Failure
      assert.ok(answer.message.length > 20_000)
      assert.equal(message.startsWith(answer.message.slice(0, -1)), true)
    }
    const full = failure({ message: 'x'.repeat(MAX_ERROR_TEXT_SIZE) })
    assert.deepEqual(roundTrip(full), full)
  })
})

describe('readForwardError', () => {
  const none = new Uint8Array()

  test('reads a code of a later version as one to be treated alike, and names it', () => {
    const read = (code: string, fields: string): unknown => {
      const answer = decodeFailure(code, none, '{}', Uint8Array.fromHex(fields))
      assert.ok(answer.type === 'forward-reply' && !answer.ok)
      assert.deepEqual(answer.details, { later_code: code })
      assert.equal(answer.message, `${code}: `)
      return answer.code
    }
    for (const code of ['NO_SUCH_CODE', 'toString', '__proto__']) assert.equal(read(code, ''), 'INTERNAL')
    const classes: readonly [string, ErrorCode][] = [
      ['0202f703' + '0400', 'NOT_APPLIED'],
      ['0202ad03' + '0400', 'NOT_APPLIED'],
      ['02029903', 'INVALID_REQUEST'],
      ['0202f803', 'OUTCOME_UNKNOWN'],
      ['0202fb03', 'QUOTA_EXCEEDED'],
      ['0202f703', 'INTERNAL'],
      ['02029903' + '4e0109', 'INVALID_REQUEST'],
    ]
    for (const [fields, code] of classes) assert.equal(read('MOON_PHASE', fields), code, fields)
    assert.throws(() => read('MOON_PHASE', '02029903' + '4f0109'), /must be understood/)
    assert.throws(() => decodeFailure('', none, '{}'), WireError)
  })

  test('throws WireError when the message is not UTF-8', () => {
    assert.throws(() => decodeFailure('INTERNAL', Uint8Array.of(0xff), '{}'), {
      name: 'WireError',
      message: /error message is not valid UTF-8/,
    })
  })

  test('throws WireError when the details are not a plain, shallow JSON object', () => {
    const deep = `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`
    for (const details of ['null', '[]', '12', '""', '{}x', '{"a":', '{"__proto__":{"a":1}}', '{"a":[{"__proto__":1}]}', deep]) {
      assert.throws(
        () => decodeFailure('INTERNAL', none, details),
        { name: 'WireError', message: /not a plain JSON object/ },
        details.slice(0, 40),
      )
    }
  })
})

describe('writeForward and readForward', () => {
  test('carry fractions of a millisecond', () => assert.deepEqual(roundTrip(request(0.125)), request(0.125)))

  test('throw WireError when the timeout is no duration', () => {
    for (const timeoutMs of [-1, -0, Number.NaN, Infinity]) {
      assert.throws(() => encodePeerMessage(request(timeoutMs)), WireError)
      const bytes = concatBytes(encodePeerMessage(request(1)))
      new DataView(bytes.buffer).setFloat64(4, timeoutMs, true)
      assert.throws(() => decodePeerMessage(bytes), { name: 'WireError', message: /ms left/ })
    }
  })

  test('throw WireError when the operation is not known', () => {
    for (const code of ['00', '04']) {
      assert.throws(() => decodePeerMessage(Uint8Array.fromHex(`002001${code}${'00'.repeat(8)}`)), {
        name: 'WireError',
        message: /code of no operation/,
      })
    }
  })
})

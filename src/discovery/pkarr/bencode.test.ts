import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBencode, encodeBencode } from './bencode.ts'
import type { Bencoded } from './bencode.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

test('encodeBencode: writes the query of BEP 5', () => {
  const id = bytes('abcdefghij0123456789')
  const query = new Map<string, Bencoded>([
    ['t', bytes('aa')],
    ['y', bytes('q')],
    ['q', bytes('find_node')],
    [
      'a',
      new Map<string, Bencoded>([
        ['target', bytes('mnopqrstuvwxyz123456')],
        ['id', id],
      ]),
    ],
  ])
  const text = 'd1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe'
  assert.equal(encodeBencode(query).toString('latin1'), text)
  assert.equal(encodeBencode([1, -20, [], bytes('')]).toString('latin1'), 'li1ei-20ele0:e')
})

const value = fc.letrec<{ value: Bencoded }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    fc.maxSafeInteger().map((number) => number || 0),
    fc.uint8Array({ maxLength: 20 }).map((one) => Buffer.from(one)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.string({ unit: 'binary-ascii', maxLength: 5 }), tie('value')), { maxLength: 4 })
      .map((entries) => new Map(entries)),
  ),
})).value

test('encodeBencode, decodeBencode: there and back', () => {
  fc.assert(
    fc.property(value, (given) => assert.deepEqual(encodeBencode(decodeBencode(encodeBencode(given))), encodeBencode(given))),
  )
})

test('decodeBencode: takes nothing else', () => {
  const odd = [
    '',
    'i',
    'ie',
    'i-0e',
    'i01e',
    'i9007199254740992e',
    'i1',
    '5:abcd',
    '-1:a',
    '01:a',
    'l',
    'd',
    'd1:ae',
    'di1ei1ee',
    'd1:a0:1:a0:e',
    'i1ei1e',
    'x',
  ]
  for (const text of [...odd, `${'l'.repeat(20)}${'e'.repeat(20)}`, `${'9'.repeat(2_000)}:`])
    assert.throws(() => decodeBencode(bytes(text)), SyntaxError, text)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (given) => {
      try {
        decodeBencode(Buffer.from(given))
      } catch (error) {
        assert.ok(error instanceof SyntaxError)
      }
    }),
  )
})

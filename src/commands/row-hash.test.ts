import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyValue } from '../api/index.ts'
import { utf8Encode } from '../lib/index.ts'
import { addHash, rowHash, subtractHash } from './row-hash.ts'
import { SPACES } from './ordered-store.ts'

const ROW: KeyValue = {
  key: utf8Encode('key'),
  value: utf8Encode('value'),
  createRevision: 3,
  modRevision: 2 ** 40 + 7,
  version: 4,
}

test('rowHash: is this for ever, within a cluster version', () => {
  const hashes = [
    rowHash(SPACES.user, ROW),
    rowHash(SPACES.sessions, ROW),
    rowHash(SPACES.user, { ...ROW, value: new Uint8Array(1000).fill(9) }),
  ]
  assert.deepEqual(hashes, [2568913226570153, 1769135372528140, 557580033651946])
})

test('rowHash: is another one when anything of the row is', () => {
  const long = Uint8Array.from({ length: 700 }, (_, i) => i)
  const rows: KeyValue[] = [ROW, { ...ROW, value: long }, { ...ROW, key: long, value: long }]
  const hashes = rows.flatMap((row) => [
    rowHash(SPACES.user, row),
    rowHash(SPACES.sessions, row),
    ...variants(row).map((variant) => rowHash(SPACES.user, variant)),
  ])
  assert.equal(new Set(hashes).size, hashes.length)
  for (const hash of hashes) assert.ok(Number.isSafeInteger(hash) && hash >= 0 && hash < 2 ** 52)
})

test('rowHash: equal ends of key and value do not cancel each other out', () => {
  const rows = ['a', 'b', 'a of 1', 'a of 2', 'sixteen bytes 01', 'sixteen bytes 02'].map((text) => utf8Encode(text))
  const hashes = rows.map((text) => rowHash(SPACES.user, { ...ROW, key: text, value: text }))
  assert.equal(new Set(hashes).size, rows.length)
})

test('rowHash: two rows that have swapped their values have another sum', () => {
  const [a, b] = [utf8Encode('a'), utf8Encode('b')]
  const sum = (first: Uint8Array, second: Uint8Array): number =>
    addHash(rowHash(SPACES.user, { ...ROW, key: a, value: first }), rowHash(SPACES.user, { ...ROW, key: b, value: second }))
  assert.notEqual(sum(utf8Encode('x'), utf8Encode('y')), sum(utf8Encode('y'), utf8Encode('x')))
})

test('addHash and subtractHash: undo each other, in any order, at the ends of their range', () => {
  const most = 2 ** 52 - 1
  for (const a of [0, 1, most])
    for (const b of [0, 1, most]) {
      assert.equal(subtractHash(addHash(a, b), b), a)
      assert.equal(addHash(subtractHash(a, b), b), a)
      assert.equal(addHash(a, b), addHash(b, a))
    }
})

/** The row with one thing changed: each bit of its bytes, each of its numbers, and bytes from one end of the key to the value. */
function variants(row: KeyValue): KeyValue[] {
  const flipped = (bytes: Uint8Array): Uint8Array[] =>
    Array.from({ length: bytes.length * 8 }, (_, bit) =>
      bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)),
    )
  const moved = row.key.length - 1
  return [
    ...flipped(row.key).map((key) => ({ ...row, key })),
    ...flipped(row.value).map((value) => ({ ...row, value })),
    { ...row, createRevision: row.createRevision + 1 },
    { ...row, createRevision: row.createRevision + 2 ** 32 },
    { ...row, modRevision: row.modRevision + 1 },
    { ...row, modRevision: row.modRevision - 2 ** 32 },
    { ...row, version: row.version + 1 },
    { ...row, version: row.version + 2 ** 32 },
    { ...row, value: new Uint8Array([...row.value, 0]) },
    { ...row, key: row.key.subarray(0, moved), value: new Uint8Array([...row.key.subarray(moved), ...row.value]) },
  ]
}

import { LaterVersion } from '../commands/index.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entryKindCode, entryKindNeeds, entryKindOf, WireError } from './index.ts'

test('entryKindCode: never changes', () => {
  assert.deepEqual((['command', 'noop', 'membership', 'version'] as const).map(entryKindCode), [1, 2, 3, 4])
  assert.deepEqual((['command', 'noop', 'membership', 'version'] as const).map(entryKindNeeds), [1, 1, 1, 1])
})

test('entryKindOf: is the inverse of entryKindCode and throws WireError for other codes', () => {
  assert.deepEqual(
    [1, 2, 3, 4].map((code) => entryKindOf(code, 1, 1)),
    ['command', 'noop', 'membership', 'version'],
  )
  for (const code of [0, 5, 255]) assert.throws(() => entryKindOf(code, 1, 1), WireError)
})

test('entryKindOf: says which version a kind needs that its reader does not know, or that means something else by now', () => {
  for (const [own, needs] of [
    [1, 2],
    [2, 3],
  ] as const) {
    for (const code of [1, 5]) {
      assert.throws(
        () => entryKindOf(code, needs, own),
        (error: unknown) => {
          assert.ok(error instanceof LaterVersion)
          assert.deepEqual([error.needs, error.knows], [needs, own])
          return true
        },
      )
    }
  }
  assert.equal(entryKindOf(1, 2, 2), 'command', 'a reader of version 2 knows what version 2 wrote')
  assert.throws(() => entryKindOf(5, 2, 2), { name: 'WireError', message: /no kind of entry that version 2 has/ })
})

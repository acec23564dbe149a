import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LaterVersion } from '../lib/index.ts'
import { LANGUAGE_VERSION } from '../limits.ts'
import { entryKindCode, entryKindNeeds, entryKindOf, WireError } from './index.ts'

test('entryKindCode: never changes', () => {
  assert.deepEqual((['command', 'noop', 'membership'] as const).map(entryKindCode), [1, 2, 3])
  assert.deepEqual((['command', 'noop', 'membership'] as const).map(entryKindNeeds), [1, 1, 1])
})

test('entryKindOf: is the inverse of entryKindCode and throws WireError for other codes', () => {
  assert.deepEqual(
    [1, 2, 3].map((code) => entryKindOf(code, 1)),
    ['command', 'noop', 'membership'],
  )
  for (const code of [0, 4, 255]) assert.throws(() => entryKindOf(code, 1), WireError)
})

test('entryKindOf: says which version a kind needs that it does not know, or that means something else by now', () => {
  for (const code of [1, 4]) {
    assert.throws(
      () => entryKindOf(code, LANGUAGE_VERSION + 2),
      (error: unknown) => {
        assert.ok(error instanceof LaterVersion)
        assert.equal(error.needs, LANGUAGE_VERSION + 2)
        return true
      },
    )
  }
})

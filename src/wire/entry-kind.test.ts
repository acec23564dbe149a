import { LANGUAGE, LaterVersion } from '../commands/index.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entryKindCode, entryKindNeeds, entryKindOf, WireError } from './index.ts'

test('entryKindCode: never changes', () => {
  assert.deepEqual((['command', 'noop', 'membership', 'version'] as const).map(entryKindCode), [1, 2, 3, 4])
  assert.deepEqual((['command', 'noop', 'membership', 'version'] as const).map(entryKindNeeds), [1, 1, 1, 1])
})

test('entryKindOf: is the inverse of entryKindCode and throws WireError for other codes', () => {
  assert.deepEqual(
    [1, 2, 3, 4].map((code) => entryKindOf(code, 1)),
    ['command', 'noop', 'membership', 'version'],
  )
  for (const code of [0, 5, 255]) assert.throws(() => entryKindOf(code, 1), WireError)
})

test('entryKindOf: says which version a kind needs that it does not know, or that means something else by now', () => {
  for (const code of [1, 5]) {
    assert.throws(
      () => entryKindOf(code, LANGUAGE.version + 2),
      (error: unknown) => {
        assert.ok(error instanceof LaterVersion)
        assert.equal(error.needs, LANGUAGE.version + 2)
        return true
      },
    )
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entryKindCode, entryKindOf, WireError } from './index.ts'

test('entryKindCode: never changes', () => {
  assert.deepEqual((['command', 'noop', 'membership'] as const).map(entryKindCode), [1, 2, 3])
})

test('entryKindOf: is the inverse of entryKindCode and throws WireError for other codes', () => {
  assert.deepEqual([1, 2, 3].map(entryKindOf), ['command', 'noop', 'membership'])
  for (const code of [0, 4, 255]) assert.throws(() => entryKindOf(code), WireError)
})

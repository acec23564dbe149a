import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { getInt64, setInt64 } from './int64.ts'

test('setInt64: writes what a BigInt64 reads, and getInt64 gives it back', () => {
  const view = new DataView(new ArrayBuffer(16))
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      setInt64(view, 3, value)
      assert.equal(view.getBigInt64(3, true), BigInt(value))
      assert.equal(getInt64(view, 3), value)
    }),
  )
})

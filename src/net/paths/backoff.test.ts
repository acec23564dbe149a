import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Prng } from '../../lib/index.ts'
import { backoffDelay } from './backoff.ts'

test('backoffDelay: doubles from the minimum to the maximum, with jitter below', () => {
  const options = { minMs: 50, maxMs: 2_000 }
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000 }), fc.integer(), (failures, seed) => {
      const delay = backoffDelay(failures, options, new Prng(seed))
      const ceiling = Math.min(2_000, 50 * 2 ** Math.min(failures, 50))
      assert.ok(delay >= ceiling / 2 && delay <= ceiling, `${delay} of ${ceiling}`)
    }),
  )
})

test('backoffDelay: does not keep two nodes in step', () => {
  const delays = Array.from({ length: 20 }, (_, seed) => backoffDelay(6, { minMs: 50, maxMs: 2_000 }, new Prng(seed)))
  assert.ok(new Set(delays).size > 10)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lengthMs, longestGap, longestGapOutside } from './gaps.ts'

test('longestGap: finds the longest time between two acknowledgements', () => {
  assert.deepEqual(longestGap([1, 2, 5, 6, 8], 0, 9), { from: 2, to: 5 })
})

test('longestGap: counts a gap that begins before the stretch from its beginning, and ends an open one with the stretch', () => {
  assert.deepEqual(longestGap([1, 2, 12, 13], 10, 14), { from: 2, to: 12 })
  assert.deepEqual(longestGap([1, 2, 3], 2, 20), { from: 3, to: 20 })
  assert.deepEqual(longestGap([1, 2, 3, 30], 2, 20), { from: 3, to: 20 })
})

test('longestGap: is the whole stretch when nothing was acknowledged', () => {
  assert.equal(lengthMs(longestGap([], 5, 25)), 20)
})

test('longestGap: leaves out what lies before the stretch', () => {
  assert.deepEqual(longestGap([0, 100, 101, 103, 104], 100, 105), { from: 101, to: 103 })
})

test('longestGapOutside: leaves the outages out', () => {
  const times = [0, 1, 2, 50, 51, 55, 56]
  assert.deepEqual(longestGapOutside(times, 0, 57, [{ from: 3, to: 50 }]), { from: 51, to: 55 })
  assert.deepEqual(longestGapOutside(times, 0, 57, []), { from: 2, to: 50 })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReignClock } from './reign-clock.ts'

test('ReignClock: begins each reign with 0, and counts no millisecond twice or never', () => {
  const clock = new ReignClock()
  const stamp = (term: number, now: number): number => {
    const elapsedMs = clock.elapsed(term, now)
    clock.stamped(elapsedMs)
    return elapsedMs
  }
  assert.deepEqual([stamp(1, 1000.9), stamp(1, 1001.8), stamp(1, 1002), stamp(1, 1010.5)], [0, 0, 1, 8])
  assert.equal(stamp(3, 99_000), 0)
  assert.equal(stamp(3, 99_100), 100)
})

test('ReignClock: what was not proposed is not counted', () => {
  const clock = new ReignClock()
  clock.stamped(clock.elapsed(1, 0))
  assert.equal(clock.elapsed(1, 50), 50)
  assert.equal(clock.elapsed(1, 80), 80)
})

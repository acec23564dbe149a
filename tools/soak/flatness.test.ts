import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findGrowth, quarter, slopePerHour } from './flatness.ts'
import type { Sample } from './sample.ts'

const FLAT: Sample = {
  atMs: 0,
  residentMiB: 100,
  heapMiB: 30,
  externalMiB: 5,
  handles: 40,
  threads: 12,
  logMiB: 48,
  keys: 2000,
  loopDelayMs: 11,
}

/** An hour, a sample a minute; `change` says what differs at a moment from 0 to 1. */
function hour(change: (share: number) => Partial<Sample>): readonly Sample[] {
  return Array.from({ length: 60 }, (_, i) => ({ ...FLAT, ...change(i / 60), atMs: i * 60_000 }))
}

test('findGrowth: finds nothing in an hour that warms up and then goes up and down', () => {
  const warm = hour((share) => ({ residentMiB: share < 0.25 ? 60 + 160 * share : 100 + 5 * Math.sin(share * 300) }))
  assert.deepEqual(findGrowth(warm), [])
})

test('findGrowth: names what grows, by how much and how fast', () => {
  const leak = hour((share) => ({ residentMiB: 100 + 60 * share, handles: 40 + Math.floor(100 * share) }))
  const found = findGrowth(leak)
  assert.equal(found.length, 2)
  assert.match(found[0] ?? '', /^residentMiB grew from 12\d\.\d to 15\d\.\d MiB .* \(60\.0 an hour\)$/)
  assert.match(found[1] ?? '', /^handles grew from 7\d\.\d to 12\d\.\d/)
})

test('findGrowth: says so when a quantity could not be measured, and refuses a run too short to judge', () => {
  assert.deepEqual(findGrowth(hour(() => ({ heapMiB: Number.NaN }))), ['heapMiB could not be measured'])
  assert.throws(() => findGrowth(hour(() => ({})).slice(0, 7)), /7 samples show no trend/)
})

test('quarter and slopePerHour: cut the run in four, and draw a line through it', () => {
  const samples = hour((share) => ({ logMiB: 10 + 30 * share }))
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => quarter(samples, index).length),
    [15, 15, 15, 15],
  )
  assert.ok(Math.abs(slopePerHour(samples, 'logMiB') - 30) < 1e-6)
})

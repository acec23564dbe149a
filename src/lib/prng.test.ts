import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { chance, pick, Prng, randomBetween } from './prng.ts'
import type { Random } from './prng.ts'

const first = (seed: number, count: number): number[] => {
  const prng = new Prng(seed)
  return Array.from({ length: count }, () => prng.nextUint32())
}

/** Draws what it is told to. */
const fixed = (value: number): Random => ({ nextUint32: () => value })
const MAX = 0xffff_ffff

describe('Prng', () => {
  // Computed with big integers from the description of sfc32: a seed in a bug report must mean the same for ever.
  test('Prng: draws the sequence of its seed', () => {
    assert.deepEqual(first(1, 6), [573063952, 3268221502, 703077755, 2308299391, 1950625580, 354034397])
    assert.deepEqual(first(0, 6), [1427488602, 1980682239, 456575201, 3300212312, 1743954244, 207519241])
  })

  test('Prng: takes the bits of a seed above 32 into account', () => {
    assert.deepEqual(first(2 ** 40 + 7, 6), [285645537, 2795397401, 3249033313, 251473621, 3987187133, 2462513609])
    assert.notDeepEqual(first(2 ** 40 + 7, 6), first(7, 6))
  })

  test('Prng: draws integers of 32 bits only', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (seed) => {
        for (const value of first(seed, 20)) assert.ok(Number.isInteger(value) && value >= 0 && value <= MAX)
      }),
    )
  })
})

describe('draws', () => {
  test('randomBetween: reaches both ends and nothing beyond', () => {
    assert.equal(randomBetween(fixed(0), 150, 300), 150)
    assert.equal(randomBetween(fixed(MAX), 150, 300), 300)
    assert.equal(randomBetween(fixed(MAX), 5, 5), 5)
    fc.assert(
      fc.property(fc.nat(MAX), fc.nat(1000), fc.nat(1000), (value, min, width) => {
        const drawn = randomBetween(fixed(value), min, min + width)
        assert.ok(Number.isInteger(drawn) && drawn >= min && drawn <= min + width)
      }),
    )
  })

  test('chance: is never true with probability 0, always with 1', () => {
    assert.equal(chance(fixed(0), 0), false)
    assert.equal(chance(fixed(MAX), 1), true)
    assert.equal(chance(fixed(0x7fff_ffff), 0.5), true)
    assert.equal(chance(fixed(0x8000_0000), 0.5), false)
  })

  test('pick: takes every element at its turn', () => {
    const items = ['a', 'b', 'c', 'd']
    assert.deepEqual(
      [0, 0x4000_0000, 0x8000_0000, MAX].map((value) => pick(fixed(value), items)),
      items,
    )
  })
})

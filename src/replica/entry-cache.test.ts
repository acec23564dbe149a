import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { EntryCache } from './entry-cache.ts'
import { entries, entry } from './hand-driven-stores.test.ts'

function filled(first: number, last: number, maxBytes = 1000, size = 1): EntryCache {
  const cache = new EntryCache(first - 1, maxBytes)
  for (const one of entries(first, last, 1, size)) cache.put(one)
  return cache
}

const indexesOf = (cache: EntryCache, first: number, count: number): number[] | undefined =>
  cache.slice(first, count)?.map((one) => one.index)

describe('EntryCache', () => {
  test('slice: gives entries only when all of them are here', () => {
    const cache = filled(11, 20)
    assert.deepEqual(indexesOf(cache, 11, 10), [11, 12, 13, 14, 15, 16, 17, 18, 19, 20])
    assert.deepEqual(indexesOf(cache, 15, 2), [15, 16])
    assert.equal(cache.slice(10, 2), undefined)
    assert.equal(cache.slice(20, 2), undefined)
    assert.equal(cache.slice(21, 1), undefined)
    assert.equal(cache.get(10), undefined)
    assert.equal(cache.get(21), undefined)
    assert.equal(cache.get(20)?.index, 20)
  })

  test('put: takes the place of what stood at its index and behind it', () => {
    const cache = filled(1, 5, 1000, 10)
    const other = entry(3, 2, 7)
    cache.put(other)
    assert.equal(cache.get(3), other)
    assert.equal(cache.get(4), undefined)
    assert.deepEqual(indexesOf(cache, 1, 3), [1, 2, 3])
    assert.equal(cache.bytes, 27)
  })

  test('put: begins again at an entry before the first one held', () => {
    const cache = filled(10, 12)
    cache.put(entry(8, 2))
    assert.deepEqual(indexesOf(cache, 8, 1), [8])
    assert.equal(cache.get(10), undefined)
    assert.equal(cache.bytes, 1)
  })

  test('truncateFrom: leaves nothing at the index and behind it', () => {
    const cache = filled(1, 5)
    cache.truncateFrom(4)
    assert.equal(cache.get(4), undefined)
    assert.equal(cache.get(3)?.index, 3)
    assert.equal(cache.bytes, 3)
    cache.truncateFrom(1)
    assert.equal(cache.bytes, 0)
    cache.truncateFrom(1)
    cache.put(entry(1, 2))
    assert.equal(cache.get(1)?.term, 2)
  })

  test('trim: drops the oldest entries down to the bytes allowed, and none that is still needed', () => {
    const cache = filled(1, 10, 50, 10)
    cache.trim(3)
    assert.deepEqual([cache.get(3), cache.get(4)?.index, cache.bytes], [undefined, 4, 70])
    cache.trim(10)
    assert.deepEqual([cache.get(5), cache.get(6)?.index, cache.bytes], [undefined, 6, 50])
    cache.trim(10)
    assert.equal(cache.bytes, 50, 'what fits stays')
  })

  test('reset: forgets everything and goes on behind the new end', () => {
    const cache = filled(1, 10)
    cache.reset(30)
    assert.deepEqual([cache.bytes, cache.get(5), cache.get(30)], [0, undefined, undefined])
    cache.put(entry(31))
    assert.deepEqual(indexesOf(cache, 31, 1), [31])
  })

  test('EntryCache: holds a run that ends at the end of the log, and counts its bytes', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ type: fc.constant('append' as const), size: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('truncate' as const), back: fc.nat(5) }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('trim' as const), back: fc.nat(5) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = new EntryCache(0, 60)
        const log: ReturnType<typeof entry>[] = []
        for (const [i, one] of steps.entries()) {
          if (one.type === 'append') {
            const added = entry(log.length + 1, i, one.size)
            log.push(added)
            cache.put(added)
          } else if (one.type === 'truncate') {
            log.length = Math.max(0, log.length - one.back)
            cache.truncateFrom(log.length + 1)
          } else cache.trim(log.length - one.back)
          const held = log.filter((logged) => cache.get(logged.index) !== undefined)
          assert.deepEqual(held, log.slice(log.length - held.length), 'a run up to the end')
          for (const logged of held) assert.equal(cache.get(logged.index), logged)
          assert.equal(cache.get(log.length + 1), undefined)
          assert.equal(
            cache.bytes,
            held.reduce((sum, logged) => sum + logged.payload.length, 0),
          )
        }
      }),
    )
  })
})

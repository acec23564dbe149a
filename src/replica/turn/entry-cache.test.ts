import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ENTRY_OVERHEAD, EntryCache, KEPT_ENTRIES } from './entry-cache.ts'
import { entries, entry } from '../hand-driven-stores.test.ts'

function filled(first: number, last: number, maxBytes = 1000, size = 1): EntryCache {
  const cache = new EntryCache(first - 1, maxBytes)
  for (const one of entries(first, last, 1, size)) cache.put(one)
  return cache
}

/** What so many entries with so many bytes of payload take. */
const cost = (count: number, payload: number): number => count * ENTRY_OVERHEAD + payload

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
    assert.equal(cache.bytes, cost(3, 27))
  })

  test('put: begins again at an entry before the first one held', () => {
    const cache = filled(10, 12)
    cache.put(entry(8, 2))
    assert.deepEqual(indexesOf(cache, 8, 1), [8])
    assert.equal(cache.get(10), undefined)
    assert.equal(cache.bytes, cost(1, 1))
  })

  test('truncateFrom: leaves nothing at the index and behind it', () => {
    const cache = filled(1, 5)
    cache.truncateFrom(4)
    assert.equal(cache.get(4), undefined)
    assert.equal(cache.get(3)?.index, 3)
    assert.equal(cache.bytes, cost(3, 3))
    cache.truncateFrom(1)
    assert.equal(cache.bytes, 0)
    cache.truncateFrom(1)
    cache.put(entry(1, 2))
    assert.equal(cache.get(1)?.term, 2)
  })

  test('trim: drops the oldest entries down to the bytes allowed, and none that is not applied', () => {
    const cache = filled(1, 10, cost(5, 50), 10)
    cache.trim(3, 0)
    assert.deepEqual([cache.get(3), cache.get(4)?.index, cache.bytes], [undefined, 4, cost(7, 70)])
    cache.trim(10, 0)
    assert.deepEqual([cache.get(5), cache.get(6)?.index, cache.bytes], [undefined, 6, cost(5, 50)])
    cache.trim(10, 0)
    assert.equal(cache.bytes, cost(5, 50), 'what fits stays')
  })

  test('trim: drops what is applied and with all peers, but for the newest', () => {
    const last = KEPT_ENTRIES + 20
    const cache = filled(1, last, Number.POSITIVE_INFINITY)
    cache.trim(last, 7)
    assert.deepEqual([cache.get(7), cache.get(8)?.index], [undefined, 8], 'a peer waits for the next')
    cache.trim(9, last)
    assert.deepEqual([cache.get(9), cache.get(10)?.index], [undefined, 10], 'the next is not applied')
    cache.trim(last, Number.POSITIVE_INFINITY)
    assert.deepEqual([cache.get(20), cache.get(21)?.index, cache.bytes], [undefined, 21, cost(KEPT_ENTRIES, KEPT_ENTRIES)])
    cache.trim(last, Number.POSITIVE_INFINITY)
    assert.equal(cache.first, 21)
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
        const cache = new EntryCache(0, cost(6, 60))
        const log: ReturnType<typeof entry>[] = []
        for (const [i, one] of steps.entries()) {
          if (one.type === 'append') {
            const added = entry(log.length + 1, i, one.size)
            log.push(added)
            cache.put(added)
          } else if (one.type === 'truncate') {
            log.length = Math.max(0, log.length - one.back)
            cache.truncateFrom(log.length + 1)
          } else cache.trim(log.length - one.back, 0)
          const held = log.filter((logged) => cache.get(logged.index) !== undefined)
          assert.deepEqual(held, log.slice(log.length - held.length), 'a run up to the end')
          for (const logged of held) assert.equal(cache.get(logged.index), logged)
          assert.equal(cache.get(log.length + 1), undefined)
          assert.equal(
            cache.bytes,
            held.reduce((sum, logged) => sum + cost(1, logged.payload.length), 0),
          )
        }
      }),
    )
  })
})

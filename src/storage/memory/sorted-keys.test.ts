import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SortedKeys } from './sorted-keys.ts'

test('SortedKeys: holds what a sorted list would hold, whatever the order of changes', () => {
  const change = fc.tuple(fc.boolean(), fc.nat(40), fc.integer({ min: 1, max: 200 }))
  const property = fc.property(fc.array(change, { maxLength: 30 }), fc.nat(4000), (changes, from) => {
    const keys = new SortedKeys()
    const model = new Set<string>()
    // Runs of neighbouring keys fill and empty whole blocks.
    for (const [insert, start, length] of changes) {
      for (let i = 0; i < length; i++) {
        const key = String(start * 100 + i).padStart(5, '0')
        if (insert === model.has(key)) continue
        if (insert) keys.insert(key)
        else keys.remove(key)
        if (insert) model.add(key)
        else model.delete(key)
      }
    }
    const start = String(from).padStart(5, '0')
    const sorted = [...model].toSorted()
    assert.equal(keys.size, model.size)
    assert.deepEqual([...keys.from('')], sorted)
    assert.deepEqual(
      [...keys.from(start)],
      sorted.filter((key) => key >= start),
    )
  })
  fc.assert(property, { numRuns: 100 })
})

test('SortedKeys: stays sorted and fast with a hundred thousand keys in random order', () => {
  const keys = new SortedKeys()
  const inserted = Array.from({ length: 100_000 }, (_, i) => String((i * 61_843) % 100_000).padStart(6, '0'))
  for (const key of inserted) keys.insert(key)
  assert.deepEqual([...keys.from('')], inserted.toSorted())
  for (const key of inserted) keys.remove(key)
  assert.equal(keys.size, 0)
  assert.deepEqual([...keys.from('')], [])
})

test('SortedKeys: refuses to hold a key twice, or to remove what it does not hold', () => {
  const keys = new SortedKeys()
  keys.insert('a')
  assert.throws(() => keys.insert('a'), /inserted once/)
  assert.throws(() => keys.remove('b'), /was in the set/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { EntryKind } from '../../raft/index.ts'
import { EntryIndex } from './entry-index.ts'

interface Row {
  readonly index: number
  readonly term: number
  readonly kind: EntryKind
  readonly size: number
}

const operation = fc.oneof(
  fc.record({
    type: fc.constant('append' as const),
    count: fc.oneof(fc.nat(50), fc.nat(3000)),
    kind: fc.constantFrom<EntryKind>('command', 'noop', 'membership'),
  }),
  fc.record({ type: fc.constant('truncate' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ type: fc.constant('drop' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
)

test('EntryIndex: agrees with an array over appends, truncations and drops', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 25 }), (operations) => {
      const index = new EntryIndex({ term: 3, index: 10 })
      let base = { term: 3, index: 10 }
      let rows: Row[] = []
      for (const [term, step] of operations.entries()) {
        if (step.type === 'append') {
          for (let i = 0; i < step.count; i++) {
            const row = { index: base.index + rows.length + 1, term, kind: step.kind, size: i }
            rows.push(row)
            index.append(row, { segment: term, position: row.index * 8 })
          }
        } else {
          const count = Math.floor(step.at * rows.length)
          if (step.type === 'truncate') {
            rows = rows.slice(0, count)
            index.truncateAfter(base.index + count)
          } else {
            const last = rows[count - 1]
            if (last !== undefined) base = { term: last.term, index: last.index }
            rows = rows.slice(count)
            index.dropThrough(base.index)
          }
        }
        assert.deepEqual(index.base, base)
        assert.equal(index.lastIndex, base.index + rows.length)
        assert.deepEqual(index.last, rows.length === 0 ? base : { term: rows.at(-1)?.term, index: rows.at(-1)?.index })
      }
      for (const row of rows) {
        const i = row.index
        assert.deepEqual({ index: i, term: index.term(i), kind: index.kind(i), size: index.size(i) }, row)
        assert.equal(index.segment(i), row.term)
        assert.equal(index.position(i), i * 8)
      }
    }),
  )
})

test('EntryIndex: refuses what it does not hold', () => {
  const index = new EntryIndex({ term: 1, index: 5 })
  index.append({ index: 6, term: 1, kind: 'noop', size: 0 }, { segment: 1, position: 0 })
  for (const missing of [5, 7]) assert.throws(() => index.term(missing), { name: 'AssertionError' })
  assert.throws(() => index.append({ index: 8, term: 1, kind: 'noop', size: 0 }, { segment: 1, position: 0 }), /does not follow/)
  for (const kept of [4, 7]) assert.throws(() => index.truncateAfter(kept), /cannot keep/)
  assert.equal(index.lastIndex, 6)
  index.clear({ term: 9, index: 2 })
  assert.deepEqual(index.last, { term: 9, index: 2 })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LogIndex } from './log-index.ts'
import type { LogId } from './types.ts'

/** The obvious implementation: one object an entry. */
class NaiveLog {
  purged: LogId = { term: 0, index: 0 }
  entries: { term: number; size: number }[] = []

  get lastIndex(): number {
    return this.purged.index + this.entries.length
  }
  get lastTerm(): number {
    return this.entries.at(-1)?.term ?? this.purged.term
  }
  termAt(index: number): number | undefined {
    return index === this.purged.index ? this.purged.term : this.entries[index - this.purged.index - 1]?.term
  }
  lastAtMost(index: number, term: number): LogId {
    for (let at = Math.min(index, this.lastIndex); at > this.purged.index; at--) {
      const present = this.termAt(at) as number
      if (present <= term) return { term: present, index: at }
    }
    return this.purged
  }
}

type Step =
  | { readonly do: 'append'; readonly later: number; readonly size: number }
  | { readonly do: 'truncate'; readonly at: number }
  | { readonly do: 'purge'; readonly at: number }
  | { readonly do: 'reset'; readonly ahead: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('append' as const), later: fc.nat(2), size: fc.nat(1000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('truncate' as const), at: fc.nat(1000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('purge' as const), at: fc.nat(1000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const), ahead: fc.nat(5) }) },
)

/** Does the same to both; positions are taken modulo what is allowed. */
function perform(log: LogIndex, naive: NaiveLog, given: Step): void {
  const { purged, lastIndex, lastTerm } = naive
  if (given.do === 'append') {
    log.append(lastTerm + given.later, given.size)
    naive.entries.push({ term: lastTerm + given.later, size: given.size })
  } else if (given.do === 'truncate') {
    const at = purged.index + 1 + (given.at % (naive.entries.length + 1))
    log.truncateFrom(at)
    naive.entries.splice(at - purged.index - 1)
  } else if (given.do === 'purge') {
    const at = purged.index + (given.at % (naive.entries.length + 1))
    log.purge(at)
    naive.purged = { term: naive.termAt(at) as number, index: at }
    naive.entries.splice(0, at - purged.index)
  } else {
    const position = { term: lastTerm + 1, index: lastIndex + given.ahead }
    log.reset(position)
    naive.purged = position
    naive.entries = []
  }
}

function assertSame(log: LogIndex, naive: NaiveLog): void {
  assert.deepEqual(log.purged, naive.purged)
  assert.deepEqual(log.last, { term: naive.lastTerm, index: naive.lastIndex })
  for (let index = naive.purged.index - 1; index <= naive.lastIndex + 1; index++) {
    assert.equal(log.termAt(index), naive.termAt(index), `term at ${index}`)
    for (const term of [0, naive.lastTerm - 1, naive.lastTerm, naive.lastTerm + 1]) {
      assert.deepEqual(log.lastAtMost(index, term), naive.lastAtMost(index, term), `last at most ${term} before ${index}`)
    }
  }
  naive.entries.forEach(({ size }, i) => assert.equal(log.sizeAt(naive.purged.index + 1 + i), size))
}

describe('LogIndex', () => {
  it('agrees with one object an entry, whatever is done to it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const log = new LogIndex({ term: 0, index: 0 })
        const naive = new NaiveLog()
        for (const given of steps) {
          perform(log, naive, given)
          assertSame(log, naive)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('refuses a term that goes back', () => {
    const log = new LogIndex({ term: 3, index: 7 })
    assert.throws(() => log.append(2, 0), /append of term 2 after term 3/)
  })

  it('refuses to truncate what is purged', () => {
    const log = new LogIndex({ term: 3, index: 7 })
    assert.throws(() => log.truncateFrom(7), /reaches behind the purged index 7/)
  })
})

it('LogIndex: positionBefore is where so many entries, or so many bytes, begin that lead up to an index', () => {
  const log = new LogIndex({ term: 1, index: 100 })
  for (let i = 0; i < 10; i++) log.append(1, 10)
  assert.equal(log.positionBefore(110, 4, 1000), 106)
  assert.equal(log.positionBefore(108, 4, 1000), 104)
  assert.equal(log.positionBefore(110, 4, 25), 108)
  assert.equal(log.positionBefore(110, 4, 20), 108)
  assert.equal(log.positionBefore(110, 4, 5), 110)
  assert.equal(log.positionBefore(110, 40, 1000), 100, 'never before what the log holds')
  assert.equal(log.positionBefore(100, 4, 1000), 100)
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Progress } from './progress.ts'
import type { SendLimits } from './progress.ts'

const LIMITS: SendLimits = { appendBytes: 100, inflightAppends: 4, inflightBytes: 250 }

function replicating(limits: SendLimits = LIMITS): Progress {
  const progress = new Progress(1, 0, limits)
  progress.becomeReplicate()
  return progress
}

describe('Progress: what is unanswered', () => {
  test('full: at so many bytes, and not a byte before', () => {
    const progress = replicating()
    progress.sent(1, 249)
    assert.equal(progress.full, false)
    progress.sent(2, 1)
    assert.equal(progress.full, true)
  })

  test('full: at so many appends, empty ones too', () => {
    const progress = replicating()
    for (let last = 1; last <= 3; last++) progress.sent(last, 0)
    assert.equal(progress.full, false)
    progress.sent(4, 0)
    assert.equal(progress.full, true)
  })

  test('acknowledge: gives back the bytes of each append that is answered whole, once', () => {
    const progress = replicating()
    progress.sent(10, 100)
    progress.sent(20, 150)
    progress.acknowledge(9, 1)
    assert.equal(progress.full, true, 'half an answer gives nothing back')
    progress.acknowledge(10, 1)
    assert.equal(progress.full, false)
    progress.acknowledge(10, 1)
    progress.acknowledge(5, 1)
    progress.sent(30, 99)
    assert.equal(progress.full, false, '249 bytes of two appends')
    progress.sent(40, 1)
    assert.equal(progress.full, true)
    progress.acknowledge(40, 2)
    progress.sent(50, 249)
    assert.equal(progress.full, false, 'all was given back')
  })

  for (const [name, change] of [
    ['becomeProbe', (progress: Progress) => progress.becomeProbe(1)],
    ['becomeReplicate', (progress: Progress) => progress.becomeReplicate()],
    ['becomeSnapshot', (progress: Progress) => progress.becomeSnapshot()],
  ] as const) {
    test(`${name}: what was on its way counts no more`, () => {
      const progress = replicating()
      progress.sent(1, 1_000)
      change(progress)
      assert.equal(progress.full, false)
      progress.becomeReplicate()
      progress.sent(1, 249)
      assert.equal(progress.full, false)
      progress.checkInflight()
    })
  }

  test('property: over any history it is full exactly when what is unanswered is at a bound', () => {
    const step = fc.oneof(
      fc.record({ sent: fc.integer({ min: 1, max: 5 }), bytes: fc.integer({ min: 0, max: 120 }) }),
      fc.record({ acknowledged: fc.integer({ min: 0, max: 12 }) }),
      fc.constantFrom('probe', 'snapshot', 'replicate'),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const progress = replicating()
        let out: { readonly last: number; readonly bytes: number }[] = []
        for (const one of steps) {
          if (one === 'probe' || one === 'snapshot' || one === 'replicate') {
            if (one === 'probe') progress.becomeProbe(progress.match + 1)
            if (one === 'snapshot') progress.becomeSnapshot()
            progress.becomeReplicate()
            out = []
          } else if ('sent' in one) {
            if (progress.full) continue
            const last = progress.next + one.sent - 1
            progress.sent(last, one.bytes)
            out.push({ last, bytes: one.bytes })
          } else {
            // No peer acknowledges what was not sent.
            const index = Math.min(one.acknowledged + progress.match, progress.next - 1)
            progress.acknowledge(index, 0)
            out = out.filter(({ last }) => last > index)
          }
          const bytes = out.reduce((sum, each) => sum + each.bytes, 0)
          assert.equal(progress.full, out.length >= LIMITS.inflightAppends || bytes >= LIMITS.inflightBytes)
          progress.checkInflight()
        }
      }),
      { numRuns: 300 },
    )
  })
})

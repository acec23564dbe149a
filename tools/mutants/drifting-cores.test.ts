import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SafetyViolation } from '../../sim/invariants.ts'
import type { FoundState } from '../../sim/invariants.ts'
import { DriftingCores } from './drifting-cores.ts'
import { StrictChecker } from './strict-checker.ts'

const SEEDS = 40

test('DriftingCores: stay safe, and meet what they are for', () => {
  const total = { committed: 0, reads: 0, rivalries: 0 }
  for (let seed = 1; seed <= SEEDS; seed++) {
    const found = new DriftingCores(seed).run(2000)
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += found[name]
  }
  for (const [name, count] of Object.entries(total)) assert.ok(count > SEEDS, `${name}: ${count} in ${SEEDS} runs`)
})

test('DriftingCores: repeat a run from its seed', () => {
  for (const seed of [1, 2, 3]) assert.deepEqual(new DriftingCores(seed).run(2000), new DriftingCores(seed).run(2000))
})

test('StrictChecker: allows a leader to commit by entries of its own term only', () => {
  const nothing: FoundState = { term: 0, votedFor: null, purged: { term: 0, index: 0 }, entries: [], applied: 0 }
  const checker = new StrictChecker()
  for (const node of [1, 2]) {
    checker.started(node, nothing)
    checker.appended(node, { index: 1, term: 1, digest: 1 })
    checker.appended(node, { index: 2, term: 2, digest: 2 })
  }
  const termAt = (index: number): number => index
  const byCount = (error: unknown): boolean => error instanceof SafetyViolation && error.property === 'commit of own term only'
  assert.throws(() => checker.commits(1, 1, 2, termAt), byCount)
  checker.commits(2, 1, null, termAt)
  checker.commits(2, 2, 2, termAt)
})

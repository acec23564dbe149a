import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Control, tryAll } from './campaign.ts'
import { Copy } from './copy.ts'
import type { Mutant } from './mutant.ts'
import { describeResult } from './table.ts'

/** Enough that one of them catches what is deadly. */
const SEEDS = 10
const ROOT = join(import.meta.dirname, '../..')
const COMMIT = {
  file: 'raft/leader.ts',
  find: 'const index = quorumValue(state.membership, matchOf)',
  hunter: 'core',
} as const

const DEADLY: Mutant = { ...COMMIT, name: 'deadly', replace: 'const index = matchOf(state.id)' }
const HARMLESS: Mutant = { ...COMMIT, name: 'harmless', replace: `${COMMIT.find} // as it was` }
const NONSENSE: Mutant = { ...COMMIT, name: 'nonsense', replace: 'const index = noSuchName' }
const UNLOADABLE: Mutant = { ...COMMIT, name: 'unloadable', replace: 'const const' }
const UNTESTED: Mutant = { ...HARMLESS, name: 'untested', hunter: 'src/raft/log-index.test.ts' }
const TESTED: Mutant = {
  name: 'tested',
  file: 'raft/membership.ts',
  find: 'const needed = Math.floor(voters.length / 2) + 1',
  replace: 'const needed = Math.ceil(voters.length / 2)',
  hunter: 'src/raft/membership.test.ts',
}

test('tryAll: says who caught a bug, which survived, and which proved nothing, and leaves the copy as it was', async () => {
  const copies = [new Copy(ROOT), new Copy(ROOT)] as const
  const [control, workplace] = copies
  try {
    const results = await tryAll({
      mutants: [DEADLY, HARMLESS, NONSENSE, UNLOADABLE, UNTESTED, TESTED],
      copies: [workplace],
      control: new Control(control),
      boundsFor: () => ({ seeds: SEEDS, seconds: 30 }),
      report: () => undefined,
    })
    const kinds = results.map(({ mutant, verdict }) => `${mutant.name}: ${verdict.kind}`)
    const expected = ['deadly: caught', 'harmless: missed', 'nonsense: broken', 'unloadable: broken', 'untested: missed']
    assert.deepEqual(kinds, [...expected, 'tested: caught'])
    const lines = results.map(describeResult)
    const [deadly] = results
    const seed = deadly?.verdict.kind === 'caught' ? Number(deadly.verdict.by) : 0
    assert.ok(seed >= 1 && seed <= SEEDS, `caught by seed ${seed}, which was not among those that were tried`)
    assert.ok(lines[0]?.includes(` caught by seed ${seed} (`))
    assert.match(lines[0] ?? '', /caught by seed \d+ \(leader completeness\) after [\d.]+ s$/)
    assert.match(lines[1] ?? '', /SURVIVED 10 seeds/)
    assert.match(lines[2] ?? '', /PROVES NOTHING: ReferenceError: noSuchName/)
    assert.match(lines[5] ?? '', /caught by ".*" in src\/raft\/membership\.test\.ts \(assertion\)/)
    const [left, original] = [workplace.folder, control.folder].map((folder) =>
      readFileSync(join(folder, 'src', COMMIT.file), 'utf8'),
    )
    assert.equal(left, original)
  } finally {
    for (const copy of copies) copy.remove()
  }
})

test('tryAll: does not count what fails without the bug, too', async () => {
  const copies = [new Copy(ROOT), new Copy(ROOT)] as const
  const [control, workplace] = copies
  try {
    const [result] = await control.with(DEADLY, () =>
      tryAll({
        mutants: [DEADLY],
        copies: [workplace],
        control: new Control(control),
        boundsFor: () => ({ seeds: SEEDS, seconds: 30 }),
        report: () => undefined,
      }),
    )
    assert.equal(result?.verdict.kind, 'broken')
    assert.match(
      result?.verdict.kind === 'broken' ? result.verdict.message : '',
      /^core fails without the bug, too at \d+: leader completeness/,
    )
  } finally {
    for (const copy of copies) copy.remove()
  }
})

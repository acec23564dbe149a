import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Mutant } from './mutant.ts'
import { parseOptions, UsageError } from './options.ts'

const KNOWN: readonly Mutant[] = ['commit without quorum', 'vote twice in a term', 'apply before commit'].map((name) => ({
  name,
  file: 'raft/raft.ts',
  find: 'a',
  replace: 'b',
  hunter: 'core',
}))

const namesFor = (...args: string[]): string[] => parseOptions(args, KNOWN).mutants.map(({ name }) => name)

test('parseOptions: takes all mutants, or those with one of the given parts in their name', () => {
  assert.equal(namesFor().length, 3)
  assert.deepEqual(namesFor('commit'), ['commit without quorum', 'apply before commit'])
  assert.deepEqual(namesFor('twice', 'quorum'), ['commit without quorum', 'vote twice in a term'])
  assert.deepEqual(parseOptions(['--list', '--jobs', '3'], KNOWN), { mutants: KNOWN, list: true, jobs: 3 })
})

test('parseOptions: refuses what it does not know, in one line', () => {
  for (const args of [['--fast'], ['--jobs', 'two'], ['--jobs', '0'], ['--jobs', ''], ['commit', 'no such bug']]) {
    assert.throws(
      () => parseOptions(args, KNOWN),
      (error) => error instanceof UsageError && !error.message.includes('\n') && error.message.length > 10,
      args.join(' '),
    )
  }
})

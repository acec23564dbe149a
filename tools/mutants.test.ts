import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { MUTANTS } from './mutants/all.ts'
import { isSimulator, plant } from './mutants/mutant.ts'
import type { Mutant } from './mutants/mutant.ts'

const ROOT = join(import.meta.dirname, '..')

test('MUTANTS: each still fits exactly one place of the sources, and has a hunter', () => {
  for (const mutant of MUTANTS) {
    const source = readFileSync(join(ROOT, 'src', mutant.file), 'utf8')
    assert.notEqual(plant(source, mutant), source, mutant.name)
    assert.ok(isSimulator(mutant.hunter) || existsSync(join(ROOT, mutant.hunter)), `${mutant.name}: no ${mutant.hunter}`)
  }
})

test('MUTANTS: are at least forty, each with a name of its own', () => {
  assert.ok(MUTANTS.length >= 40)
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length)
})

test('plant: refuses a text that occurs never or twice, and a replacement that is the same', () => {
  const mutant: Mutant = { name: 'x', file: 'raft/raft.ts', find: 'a', replace: '$&', hunter: 'core' }
  assert.equal(plant('cab', mutant), 'c$&b')
  assert.throws(() => plant('bc', mutant), /exactly one place/)
  assert.throws(() => plant('abab', mutant), /exactly one place/)
  assert.throws(() => plant('abc', { ...mutant, replace: 'a' }), /changes nothing/)
})

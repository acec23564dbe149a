import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommand, selectTests } from './run-tests.ts'

const read = (): string => ''
const FILES = ['src/a.test.ts', 'test/b.test.ts', 'test/c.slow.test.ts', 'sim/d.test.ts', 'tools/e.test.ts']

test('parseCommand: splits words from the options of Node', () => {
  const command = { slow: true, full: false, words: ['raft'], options: ['--test-only'] }
  assert.deepEqual(parseCommand(['--slow', 'raft', '--test-only']), command)
  assert.deepEqual(parseCommand(['raft', '--full']), { slow: false, full: true, words: ['raft'], options: [] })
})

test('selectTests: leaves slow tests out unless asked for them', () => {
  assert.deepEqual(selectTests(FILES, { slow: false, words: [] }, read), [
    'sim/d.test.ts',
    'src/a.test.ts',
    'test/b.test.ts',
    'tools/e.test.ts',
  ])
  assert.deepEqual(selectTests(FILES, { slow: true, words: [] }, read), ['test/c.slow.test.ts'])
})

test('selectTests: picks by any word of the path', () => {
  assert.deepEqual(selectTests(FILES, { slow: false, words: ['src/', '/e'] }, read), ['src/a.test.ts', 'tools/e.test.ts'])
})

test('selectTests: picks by the name of a category', () => {
  assert.deepEqual(selectTests(FILES, { slow: false, words: ['simulation'] }, read), ['sim/d.test.ts'])
  const imports = (file: string): string => (file === 'src/a.test.ts' ? "import fc from 'fast-check'" : '')
  assert.deepEqual(selectTests(FILES, { slow: false, words: ['property', '/e'] }, imports), ['src/a.test.ts', 'tools/e.test.ts'])
})

test('selectTests: fails when a folder has lost its tests, or nothing matches', () => {
  assert.throws(() => selectTests(FILES.slice(1), { slow: false, words: [] }, read), /src\/ has no tests/)
  assert.throws(() => selectTests(FILES, { slow: false, words: ['gone'] }, read), /no test file matches gone/)
  assert.throws(
    () =>
      selectTests(
        FILES.filter((file) => !file.includes('slow')),
        { slow: true, words: [] },
        read,
      ),
    /no slow test file/,
  )
})

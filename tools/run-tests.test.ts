import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommand, selectTests } from './run-tests.ts'

const FILES = ['src/a.test.ts', 'test/b.test.ts', 'test/c.slow.test.ts', 'sim/d.test.ts', 'tools/e.test.ts']

test('parseCommand: splits words from the options of Node', () => {
  assert.deepEqual(parseCommand(['--slow', 'raft', '--test-only']), { slow: true, words: ['raft'], options: ['--test-only'] })
})

test('selectTests: leaves slow tests out unless asked for them', () => {
  assert.deepEqual(selectTests(FILES, { slow: false, words: [] }), [
    'sim/d.test.ts',
    'src/a.test.ts',
    'test/b.test.ts',
    'tools/e.test.ts',
  ])
  assert.deepEqual(selectTests(FILES, { slow: true, words: [] }), ['test/c.slow.test.ts'])
})

test('selectTests: picks by any word of the path', () => {
  assert.deepEqual(selectTests(FILES, { slow: false, words: ['src/', '/e'] }), ['src/a.test.ts', 'tools/e.test.ts'])
})

test('selectTests: fails when a folder has lost its tests, or nothing matches', () => {
  assert.throws(() => selectTests(FILES.slice(1), { slow: false, words: [] }), /src\/ has no tests/)
  assert.throws(() => selectTests(FILES, { slow: false, words: ['gone'] }), /no test file matches gone/)
  assert.throws(
    () =>
      selectTests(
        FILES.filter((file) => !file.includes('slow')),
        { slow: true, words: [] },
      ),
    /no slow test file/,
  )
})

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { selectTests } from './run-tests.ts'
import { isChosen, isOf, TEST_CATEGORIES } from './test-categories.ts'
import { readTree } from './tidy.ts'

const TREE = readTree(join(import.meta.dirname, '..'))
const TESTS = [...TREE.keys()].filter((path) => path.endsWith('.test.ts'))
const read = (file: string): string => TREE.get(file) ?? assert.fail(`${file} is not in the tree`)

function select(word: string, slow = false): string[] {
  return selectTests(TESTS, { slow, words: [word] }, read)
}

test('isChosen: takes a word for a category, or else for a part of the path', () => {
  const texts = new Map([
    ['src/a.test.ts', "import assert from 'node:assert/strict'\nimport fc from 'fast-check'\n"],
    ['src/b.test.ts', "const text = 'from fast-check'\n"],
  ])
  const chosen = (word: string, file: string): boolean => isChosen(word, file, (name) => texts.get(name) ?? '')
  assert.equal(chosen('property', 'src/a.test.ts'), true)
  assert.equal(chosen('property', 'src/b.test.ts'), false)
  assert.equal(chosen('simulation', 'sim/b.test.ts'), true)
  assert.equal(chosen('simulation', 'test/sim/b.test.ts'), false)
  assert.equal(chosen('b.test', 'test/sim/b.test.ts'), true)
})

test('TEST_CATEGORIES: each path has tests, and each category some that are not slow', () => {
  for (const { name, paths } of TEST_CATEGORIES) {
    for (const path of paths)
      assert.ok(
        TESTS.some((file) => isOf({ name, paths: [path] }, file, read)),
        `${name}: ${path}`,
      )
    assert.ok(select(name).length > 0)
  }
})

test('npm test -- CATEGORY: runs what belongs to it', () => {
  assert.ok(select('simulation').includes('sim/replica.test.ts'))
  assert.ok(select('property').includes('src/lib/deque.test.ts'))
  assert.ok(select('property').includes('test/contracts/log-store-model.test.ts'))
  assert.ok(select('router').every((file) => file.startsWith('test/router/')))
  assert.ok(select('chaos').includes('test/chaos/simulated-chaos.test.ts'))
  assert.ok(select('chaos', true).includes('test/chaos/random-kills.slow.test.ts'))
  assert.deepEqual(select('artifacts'), ['sim/artifact.test.ts', 'sim/main.test.ts'])
  assert.ok(select('integration').includes('test/cluster/membership.test.ts'))
  assert.ok(select('integration', true).includes('test/package/pack.slow.test.ts'))
})

test('CONTRIBUTING.md: lists every category, and which of them have slow tests', () => {
  const page = read('CONTRIBUTING.md')
  const rows = [...page.matchAll(/^\| `npm test -- (\w+)`.*$/gm)]
  assert.deepEqual(
    rows.map(([, name]) => name),
    TEST_CATEGORIES.map(({ name }) => name),
  )
  for (const [row, name = ''] of rows) {
    const hasSlow = TESTS.some((file) => file.endsWith('.slow.test.ts') && isChosen(name, file, read))
    assert.equal(row.includes(`\`npm run test:slow -- ${name}\``), hasSlow, row)
  }
})

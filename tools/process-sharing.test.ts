import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filesWithTests, planProcesses, ProcessSharing } from './process-sharing.ts'

const REGISTERS = "import { test } from 'node:test'\n"

function sharingOf(files: Readonly<Record<string, string>>): ProcessSharing {
  return new ProcessSharing((file) => files[file] ?? assert.fail(`${file} is not there`))
}

function whyAlone(text: string): string | undefined {
  return sharingOf({ 'test/a.test.ts': REGISTERS + text }).whyAlone('test/a.test.ts')
}

test('whyAlone: finds what a process has one of', () => {
  for (const text of [
    'process.exitCode = 1',
    "process.on('warning', f)",
    'process.exit(0)',
    "process.env['A'] = 'b'",
    "process.env.A ??= 'b'",
    "process.env = { A: 'b' }",
    "delete process.env['A']",
    'globalThis.fetch = f',
    "globalThis['fetch'] = f",
    "t.mock.method(console, 'log')",
    "setFlagsFromString('--expose-gc')",
    "import { spawn } from 'node:child_process'",
    "import { Worker } from 'node:worker_threads'",
    'const a = await f()',
    'await f()',
  ])
    assert.ok(whyAlone(text)?.startsWith('test/a.test.ts: '), text)
})

test('whyAlone: lets those share that only look, and those that speak of it', () => {
  for (const text of [
    "const a = process.env['A']",
    "const same = process.env['A'] === 'b'",
    'f(process.env, process.cwd())',
    'const { process } = world; assert.deepEqual(world.process.exits, [])',
    "// process.exit(0)\nconst text = 'process.exit(0)'",
    "import type { ChildProcess } from 'node:child_process'",
    'test(name, async () => {\n  const a = await f()\n})',
  ])
    assert.equal(whyAlone(text), undefined, text)
})

test('whyAlone: looks at what a file imports, and at what is shipped only where a test names it', () => {
  const sharing = sharingOf({
    'test/a.test.ts': "import { b } from './b.ts'",
    'test/b.ts': "import { c } from './deep/c.ts'",
    'test/deep/c.ts': "import { d } from '../b.ts'\nprocess.umask(0)",
    'test/d.test.ts': "import { e } from '../src/e/index.ts'",
    'src/e/index.ts': "import { Worker } from 'node:worker_threads'\nexport { f } from './f.ts'",
    'src/e/f.ts': 'process.on(name, f)',
    'src/e/f.test.ts': "import { f } from './f.ts'",
  })
  assert.equal(sharing.whyAlone('test/a.test.ts'), 'test/deep/c.ts: process.umask')
  assert.equal(sharing.whyAlone('test/d.test.ts'), undefined)
  assert.equal(sharing.whyAlone('src/e/f.test.ts'), 'src/e/f.ts: process.on')
})

test('planProcesses: gives each processor a share, and a process to each file that needs its own', () => {
  const texts = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`test/${i}.test.ts`, REGISTERS]))
  const sharing = sharingOf({ ...texts, 'test/x.test.ts': 'process.exit()', 'test/y.test.ts': 'process.exit()' })
  const files = [...Object.keys(texts), 'test/x.test.ts', 'test/y.test.ts']
  const plan = planProcesses(files, sharing, 2)
  assert.deepEqual(
    plan.map(({ length }) => length),
    [4, 3, 1, 1],
  )
  assert.deepEqual(plan.flat().toSorted(), files)
  assert.deepEqual(planProcesses(['test/0.test.ts'], sharing, 2), [['test/0.test.ts']])
})

test('planProcesses: loads a file whose tests would else be those of another one before it', () => {
  const sharing = sharingOf({
    'test/a.test.ts': `${REGISTERS}import { b } from './b.test.ts'`,
    'test/b.test.ts': `${REGISTERS}import { c } from './c.test.ts'`,
    'test/c.test.ts': REGISTERS,
  })
  const files = ['test/a.test.ts', 'test/b.test.ts', 'test/c.test.ts']
  assert.deepEqual(planProcesses(files, sharing, 1), [files.toReversed()])
})

test('filesWithTests: leaves out what others import, and refuses a file in which nothing can be a test', () => {
  const sharing = sharingOf({
    'test/a.test.ts': `${REGISTERS}import { b } from './b.test.ts'`,
    'test/b.test.ts': 'export const b = 1',
    'test/c.test.ts': "import { contract } from './contract.ts'",
    'test/contract.ts': REGISTERS,
  })
  assert.deepEqual(filesWithTests(['test/a.test.ts', 'test/b.test.ts', 'test/c.test.ts'], sharing), [
    'test/a.test.ts',
    'test/c.test.ts',
  ])
  assert.throws(() => filesWithTests(['test/b.test.ts', 'test/c.test.ts'], sharing), /^Error: test\/b.test.ts has no tests/)
})

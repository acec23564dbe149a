/** What is red in a process of its own is red in a shared one, and says which file it was. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'

const folder = mkdtempSync(join(tmpdir(), 'aspen-shared-'))
after(() => rmSync(folder, { recursive: true }))

const RUNNER = pathToFileURL(join(import.meta.dirname, 'shared-process.ts')).href
const HEAD = "import { after, beforeEach, test } from 'node:test'\n"

interface Outcome {
  readonly status: number | null
  readonly output: string
}

/** Runs files of these texts in one process: `a.test.ts`, `b.test.ts` and so on. */
function run(...texts: readonly string[]): Outcome {
  const files = texts.map((text, i) => {
    const file = `${String.fromCodePoint(0x61 + i)}.test.ts`
    writeFileSync(join(folder, file), HEAD + text)
    return file
  })
  const program = `import { runInOneProcess } from '${RUNNER}'; await runInOneProcess(${JSON.stringify(folder)}, ${JSON.stringify(files)}, 200)`
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const args = ['--input-type=module', '--test-reporter=spec', '--eval', program]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env })
  return { status, output: stdout + stderr }
}

const FINE = "test('fine', () => {})"

test('runInOneProcess: runs every file with its own hooks', () => {
  const hooks = (name: string): string =>
    `let n = 0; beforeEach(() => void n++); after(() => console.log('${name}', n)); ${FINE}; test('fine too', () => {})`
  const { status, output } = run(hooks('first'), hooks('second'))
  assert.equal(status, 0, output)
  assert.match(output, /first 2[^]*second 2[^]*tests 4\n/)
})

const PLANTED: readonly (readonly [what: string, text: string, says: RegExp])[] = [
  ['a failing assertion', "test('fails', () => { throw new Error('wrong') })", /a\.test\.ts:2[^]*Error: wrong/],
  [
    'a throw after the end of its test',
    "test('late', () => void setTimeout(() => { throw new Error('x') }, 1))",
    /"late"[^]*Error: x/,
  ],
  ['a rejection that nobody handles', "test('lost', () => void Promise.reject(new Error('y')))", /"lost"[^]*Error: y/],
  ['a throw while it is loaded', `${FINE}; throw new Error('z')`, /a\.test\.ts[^]*Error: z/],
  ['an import of what is not there', "import './none.ts'", /none\.ts/],
  ['no tests', '', /a\.test\.ts has no tests/],
  [
    'a timer that goes on',
    "test('leaks', () => void setInterval(() => {}, 1e6))",
    /keeps their process alive: a\.test\.ts \(1 Timeout\)/,
  ],
  ['the end of the process', "test('ends', () => process.exit(0))", /the process ended before a\.test\.ts was done/],
  ['a changed environment', "test('sets', () => void (process.env.X_Y = '1'))", /a\.test\.ts changes the process/],
  ['an exit code', "test('sets', () => void (process.exitCode = 0))", /a\.test\.ts changes the process/],
  ['a listener', "test('hears', () => void process.on('SIGUSR2', () => {}))", /a\.test\.ts changes the process/],
  ['a global', 'globalThis.planted = 1', /a\.test\.ts changes the process/],
]

for (const [what, text, says] of PLANTED) {
  test(`runInOneProcess: fails for ${what}, and names it`, () => {
    const { status, output } = run(text, FINE)
    assert.equal(status, 1, output)
    assert.match(output, says)
  })
}

test('npm test: a file with a process of its own that is kept alive fails, and is named with what it holds', () => {
  const file = join(folder, 'alone.test.ts')
  writeFileSync(file, `${HEAD}test('leaks', () => void setInterval(() => {}, 1e6))`)
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const preload = `--import=${pathToFileURL(join(import.meta.dirname, 'alone-process.ts')).href}`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--test', preload, '--test-reporter=spec', file], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...env, TEST_AFTERLIFE_MS: '200' },
  })
  assert.equal(status, 1, stdout + stderr)
  assert.match(stdout + stderr, /keeps their process alive: alone\.test\.ts \(1 Timeout\)/)
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')
const MARK = /^ *\/\/ @ts-expect-error (.*)\n/gm

/** What the compiler says about a program, as lines, by the settings of this package. */
function compile(program: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'aspen-types-'))
  try {
    const file = join(folder, 'program.ts')
    const source = JSON.stringify(join(ROOT, 'src/actor/index.ts'))
    writeFileSync(file, program.replaceAll("'../../src/actor/index.ts'", source))
    const typeRoots = [join(ROOT, 'node_modules/@types')]
    const config = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: { typeRoots, rewriteRelativeImportExtensions: false },
      include: [],
      files: [file],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
    const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], { encoding: 'utf8' })
    return stdout.split('\n').filter((line) => line.includes('error TS'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('a wrong message, a wrong body, a wrong answer do not compile: without their marks, each of the marked lines is an error, and nothing else is', () => {
  const program = readFileSync(join(import.meta.dirname, 'wrong-types.ts'), 'utf8')
  const marks = [...program.matchAll(MARK)].map(([, what]) => what)
  assert.ok(marks.length > 30)
  // An empty line in place of each mark: what is wrong stands where it stood.
  const wrong = compile(program.replace(MARK, '\n'))
  const lines = new Set(wrong.map((error) => Number(/\((\d+),/.exec(error)?.[1])))
  const marked = program.split('\n').flatMap((line, i) => (line.includes('@ts-expect-error') ? [i + 2] : []))
  assert.deepEqual(
    [...lines].toSorted((a, b) => a - b),
    marked,
    wrong.join('\n'),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findImports, lineAt, readSource } from './tidy-source.ts'

const specifiers = (text: string): string[] => findImports(readSource(text)).map(({ specifier }) => specifier)

test('readSource: blanks comments and strings and keeps offsets', () => {
  const { code, comments } = readSource(`const a = 'x' // note\n/* b */ f("y")\n`)
  assert.equal(code, `const a = ' '        \n        f(" ")\n`)
  assert.equal(comments, `              // note\n/* b */       \n`)
})

test('readSource: tells a comment from a string that looks like one', () => {
  assert.match(readSource(`const a = 'http://x' + later()`).code, /later\(\)/)
  assert.match(readSource(`const a = 'it\\'s // no' + later()`).code, /later\(\)/)
  assert.match(readSource('const a = "/*" + later() + "*/"').code, /later\(\)/)
})

test('readSource: reads the code inside a template, however deep', () => {
  const { code } = readSource('const a = `x ${f({ b: `y ${g()} // text` })} z` + later() // gone')
  for (const call of ['f({', 'g()', 'later()']) assert.ok(code.includes(call), call)
  for (const text of ['text', 'gone', 'x ', ' z']) assert.ok(!code.includes(text), text)
})

test('readSource: a quote inside a regular expression opens no string', () => {
  const { code } = readSource(`const a = /['"\`/[\\]]/.test(b) || later() // gone`)
  assert.match(code, /later\(\)/)
  assert.doesNotMatch(code, /gone/)
})

test('readSource: a division is no regular expression', () => {
  const { code } = readSource(`const a = b / c + 'x' / d + later()`)
  assert.match(code, /later\(\)/)
  assert.doesNotMatch(code, /x/)
})

test('readSource: keeps length and line breaks whatever the text', () => {
  const text = fc.string({ unit: fc.constantFrom("'", '"', '`', '/', '*', '\\', '\n', '${', '}', '{', 'a', ' ', '[', ']', '=') })
  fc.assert(
    fc.property(text, (raw) => {
      const { code, comments } = readSource(raw)
      assert.equal(code.length, raw.length)
      assert.equal(comments.length, raw.length)
      assert.equal(code.split('\n').length, raw.split('\n').length)
    }),
  )
})

test('findImports: finds every form', () => {
  const text = `
import a from './a.ts'
import { b,
  c as d } from "./b.ts"
import * as e from './e.ts'
import './f.ts'
export { g } from './g.ts'
export * from './h.ts'
export * as i from './i.ts'
const j = await import('./j.ts')
type K = import('./k.ts').K
new Worker(new URL('./l.ts', import.meta.url))
`
  assert.deepEqual(
    specifiers(text),
    ['a', 'b', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'].map((name) => `./${name}.ts`),
  )
})

test('findImports: knows an import of types only', () => {
  const sites = findImports(
    readSource(`import type { A } from './a.ts'\nexport type { B } from './b.ts'\nimport { C } from './c.ts'\n`),
  )
  assert.deepEqual(
    sites.map(({ typeOnly }) => typeOnly),
    [true, true, false],
  )
})

test('findImports: is not taken in by comments, strings and other URLs', () => {
  const text = `
// import { a } from './a.ts'
const b = "import { c } from './c.ts'"
const from = 'd'
export const e = Array.from('f')
const g = new URL('/health', base)
`
  assert.deepEqual(specifiers(text), [])
})

test('findImports: gives the line of the specifier', () => {
  const [site] = findImports(readSource(`\nimport {\n  a,\n} from './a.ts'\n`))
  assert.equal(site?.line, 4)
})

test('lineAt: counts from one and puts a line break on the line it ends', () => {
  assert.equal(lineAt('ab\ncd', 0), 1)
  assert.equal(lineAt('ab\ncd', 2), 1)
  assert.equal(lineAt('ab\ncd', 3), 2)
})

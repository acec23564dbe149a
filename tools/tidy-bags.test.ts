import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkBags, MAX_FUNCTION_MEMBERS } from './tidy-bags.ts'

const found = (files: Readonly<Record<string, string>>): string[] =>
  checkBags(new Map(Object.entries(files))).map(({ path, line, message }) => `${path}:${line}: ${message.split(';')[0] ?? ''}`)

const members = (count: number, form: (name: string) => string): string =>
  Array.from({ length: count }, (_, i) => `  ${form(`member${i}`)}\n`).join('')
const callback = (name: string): string => `readonly ${name}: (from: string, run: () => void) => void`
const method = (name: string): string => `${name}(from: string): void`
const bag = (count: number): string => `export interface Options {\n  readonly id: number\n${members(count, callback)}}\n`

describe('checkBags', () => {
  test('checkBags: allows a few callbacks, and as many values as there are', () => {
    const values = members(20, (name) => `readonly ${name}: readonly string[]`)
    assert.deepEqual(found({ 'src/a/b.ts': `${bag(MAX_FUNCTION_MEMBERS)}interface Values {\n${values}}\n` }), [])
  })

  test('checkBags: finds a bag of callbacks, whatever form it is written in', () => {
    const message = (name: string): string => `${name} is a bag of 6 callbacks`
    const text = `// first\n${bag(MAX_FUNCTION_MEMBERS + 1)}`
    assert.deepEqual(found({ 'src/a/b.ts': text }), [`src/a/b.ts:2: ${message('Options')}`])
    const forms = [
      (name: string) => `readonly ${name}?: <T>(value: T) => T`,
      (name: string) => `${name}: (\n    one: { readonly deep: number },\n    two: string,\n  ) => void`,
      (name: string) => `/** Says why. */\n  readonly ${name}: () =>\n    | string\n    | null`,
    ]
    for (const form of forms) {
      assert.deepEqual(found({ 'src/a/b.ts': `type Bag = {\n${members(6, form)}}\n` }), [`src/a/b.ts:1: ${message('Bag')}`])
    }
  })

  test('checkBags: an interface with methods is none when a class implements it, or a function with a name makes it', () => {
    const port = `export interface Port {\n${members(6, method)}}\n`
    assert.deepEqual(found({ 'src/a/port.ts': port }), [
      'src/a/port.ts:1: Port has 6 methods, and no class or function of src makes one',
    ])
    for (const maker of [
      'export class Real<T> extends Base<T> implements Other, Port {}',
      'export function openPort(path: string): Port {\n}',
    ]) {
      assert.deepEqual(found({ 'src/a/port.ts': port, 'src/b/real.ts': maker }), [])
    }
    const shell = { 'src/a/port.ts': port, 'src/b/real.test.ts': 'class Fake implements Port {}' }
    assert.equal(found(shell).length, 1, 'a stand-in of a test is not what a reader looks for')
  })

  test('checkBags: looks at what is shipped, and not at comments and strings', () => {
    const files = {
      'src/a/b.test.ts': bag(9),
      'test/world.ts': bag(9),
      'src/a/c.ts': `/*\n${bag(9)}*/\nconst text = \`${bag(9)}\`\n`,
    }
    assert.deepEqual(found(files), [])
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBounds } from './tidy-bounds.ts'

const found = (files: Readonly<Record<string, string>>): string[] =>
  checkBounds(new Map(Object.entries(files))).map(({ path, line, message }) => `${path}:${line}: ${message.split(':')[0] ?? ''}`)

test('checkBounds: finds a bound that has left its file', () => {
  const text = `const MAX_OWN = 3\n\nexport const MAX_SHARED: number = 5\nexport const DEFAULT_SIZE = 2\n`
  assert.deepEqual(found({ 'src/net/link/a.ts': text }), ['src/net/link/a.ts:3: MAX_SHARED is exported'])
})

test('checkBounds: leaves alone where bounds are at home, comments, and what is not shipped', () => {
  const text = 'export const MAX_SHARED = 5\n'
  const homes = [
    'src/limits.ts',
    'src/commands/semantics.ts',
    'src/wire/frame.ts',
    'src/lib/a.ts',
    'src/net/a.test.ts',
    'tools/b.ts',
  ]
  assert.deepEqual(found(Object.fromEntries(homes.map((path) => [path, text]))), [])
  assert.deepEqual(found({ 'src/net/a.ts': `/*\n${text}*/\n` }), [])
})

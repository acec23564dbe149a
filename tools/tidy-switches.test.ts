import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSwitches } from './tidy-switches.ts'

test('checkSwitches: finds a switch of src without a default, and no other', () => {
  const bare = "export function f(x: 'a') {\n  switch (x) {\n    case 'a':\n      return { default: 1 }\n  }\n}\n"
  const whole = bare.replace('  }\n}', '    default:\n      return unreachable(x)\n  }\n}').replace('{ default: 1 }', '1')
  const found = checkSwitches(
    new Map([
      ['src/a.ts', bare.replace('{ default: 1 }', '1')],
      ['src/b.ts', whole],
      ['test/c.ts', bare],
    ]),
  )
  assert.deepEqual(
    found.map(({ path, line }) => `${path}:${line}`),
    ['src/a.ts:2'],
  )
})

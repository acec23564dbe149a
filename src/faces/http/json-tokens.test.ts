import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { JsonTokens } from './json-tokens.ts'

function countOf(...pieces: string[]): number {
  const tokens = new JsonTokens()
  for (const piece of pieces) tokens.add(Buffer.from(piece))
  return tokens.count
}

describe('JsonTokens', () => {
  test('counts what is outside of strings, escapes included', () => {
    assert.equal(countOf('"[,:{"'), 0)
    assert.equal(countOf(String.raw`{"a\",":1}`), 2)
    assert.equal(countOf(String.raw`["\\",1]`), 2)
    assert.equal(countOf('[{},{},[]]'), 6)
  })

  test('counts the same however the text is cut', () => {
    const text = String.raw`{"a\\\"[":[1,{"b,\"":"\\"},[[]]],"c":"\u005b"}`
    const whole = countOf(text)
    for (let cut = 0; cut <= text.length; cut++) assert.equal(countOf(text.slice(0, cut), text.slice(cut)), whole)
    assert.equal(countOf(...Array.from(text)), whole)
  })

  test('counts no fewer than the values of a text, short of one', () => {
    const values = (value: unknown): number =>
      typeof value === 'object' && value !== null
        ? 1 + Object.values(value).reduce<number>((sum, each) => sum + values(each), 0)
        : 1
    for (const text of ['1', '[]', '[[],[],{}]', '{"a":{"b":[1,2,3]},"c":null}', '[[[[[[1]]]]]]', '["a,b",{"x":"{"}]']) {
      assert.ok(countOf(text) + 1 >= values(JSON.parse(text)), text)
    }
  })
})

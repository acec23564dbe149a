import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testInNamespace, whyNotHere } from './in-namespace.ts'

const TIMEOUT_MS = 300_000

test('aspen-node: three nodes over iroh', { skip: whyNotHere() ?? false }, (t) => {
  const said = testInNamespace('cluster.ts', TIMEOUT_MS)
  assert.match(said, /fail 0/)
  for (const line of said.split('\n').filter((each) => each.includes('after the kill'))) t.diagnostic(line.trim())
})

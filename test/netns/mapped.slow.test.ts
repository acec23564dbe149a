import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testInNamespace, whyNoHosts } from './in-namespace.ts'

const TIMEOUT_MS = 600_000

test('aspen-node: a member behind a port mapper', { skip: whyNoHosts() ?? false }, () => {
  assert.match(testInNamespace('test/netns/mapped.ts', TIMEOUT_MS), /fail 0/)
})

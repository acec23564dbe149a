import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testInNamespace, whyNoHosts } from './in-namespace.ts'

const TIMEOUT_MS = 600_000

test('aspen-node: hosts of a network find each other', { skip: whyNoHosts() ?? false }, () => {
  assert.match(testInNamespace('test/netns/finding.ts', TIMEOUT_MS), /fail 0/)
})

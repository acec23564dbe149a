import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testInNamespace, whyNotHere } from './in-namespace.ts'
import { whyNoRelay } from './relay-hosts.ts'

const TIMEOUT_MS = 300_000

test('aspen-node: three hosts and a relay', { skip: whyNotHere() ?? whyNoRelay() ?? false }, () => {
  assert.match(testInNamespace('relay.ts', TIMEOUT_MS), /fail 0/)
})

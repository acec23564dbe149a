import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testInNamespace, whyNotHere } from './in-namespace.ts'

const TIMEOUT_MS = 300_000

test('IrohCarrier: does what every transport does', { skip: whyNotHere() ?? false }, () => {
  assert.match(testInNamespace('contract.ts', TIMEOUT_MS), /fail 0/)
})

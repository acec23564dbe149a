import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenError, ERROR_CATALOGUE } from './errors.ts'
import type { ErrorCode } from './errors.ts'

test('AspenError: carries code, message and details, and what the catalogue says of the code', () => {
  const error = new AspenError('OVERLOADED', 'full', { queue: 'mailbox' })
  assert.ok(error instanceof Error)
  assert.equal(error.name, 'AspenError')
  assert.equal(error.message, 'full')
  assert.deepEqual(error.details, { queue: 'mailbox' })
  assert.deepEqual([error.status, error.retryable], [429, true])
  assert.deepEqual(new AspenError('INTERNAL', 'x').details, {})
})

test('ERROR_CATALOGUE: nothing that may have taken effect is retryable', () => {
  for (const code of ['OUTCOME_UNKNOWN', 'INTERNAL'] as const) assert.equal(new AspenError(code, '').retryable, false)
  for (const code of Object.keys(ERROR_CATALOGUE) as ErrorCode[]) {
    const { status, retryable } = ERROR_CATALOGUE[code]
    assert.ok(status >= 400 && status < 600, `${code} is answered with ${status}`)
    // A deadline that passed before anything was proposed is retryable, and its own code says so.
    const later = code === 'DEADLINE_EXCEEDED' ? [504] : [409, 412, 429, 503]
    if (retryable) assert.ok(later.includes(status), `${code}: ${status} does not say "later"`)
  }
})

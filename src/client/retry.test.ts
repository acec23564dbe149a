import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenError, ERROR_CATALOGUE } from '../api/index.ts'
import type { ErrorCode } from '../api/index.ts'
import { ExchangeFailure } from './exchange.ts'
import { leavesOpen, nextStep, pauseMs, saysNothing, tookEffect } from './retry.ts'

test('nextStep: sends a plain write again only after a failure that provably changed nothing', () => {
  for (const code of Object.keys(ERROR_CATALOGUE) as ErrorCode[]) {
    const error = new AspenError(code, '')
    const step = nextStep(error, false)
    if (step === 'elsewhere' || step === 'later') assert.ok(error.retryable || code === 'REMOVED', code)
  }
  assert.equal(nextStep(new ExchangeFailure('ECONNREFUSED', false), false), 'elsewhere')
  assert.equal(nextStep(new ExchangeFailure('ECONNRESET', true), false), 'unknown')
})

test('nextStep: asks another node for what can be asked twice', () => {
  assert.equal(nextStep(new ExchangeFailure('ECONNRESET', true), true), 'elsewhere')
  for (const code of ['POISONED', 'INTERNAL', 'OUTCOME_UNKNOWN'] as const)
    assert.equal(nextStep(new AspenError(code, ''), true), 'elsewhere')
  for (const code of ['INVALID_KEY', 'KEY_NOT_FOUND', 'UNAUTHORIZED'] as const)
    assert.equal(nextStep(new AspenError(code, ''), true), 'fail')
})

test('pauseMs: grows to a second and no further, and is long for a full node', () => {
  const failure = new AspenError('NO_LEADER', '')
  for (let round = 0; round < 40; round++) {
    const longest = Math.min(1000, 25 * 2 ** round)
    assert.equal(
      pauseMs(round, failure, () => 0),
      longest / 2,
    )
    const pause = pauseMs(round, failure, () => 0.999)
    assert.ok(pause > 0.99 * longest && pause <= longest, `round ${round}: ${pause}`)
  }
  assert.equal(
    pauseMs(0, new AspenError('OVERLOADED', ''), () => 0),
    500,
  )
})

test('leavesOpen: says whether a change may have taken effect', () => {
  assert.equal(leavesOpen(new ExchangeFailure('ECONNREFUSED', false)), false)
  assert.equal(leavesOpen(new ExchangeFailure('ECONNRESET', true)), true)
  for (const code of Object.keys(ERROR_CATALOGUE) as ErrorCode[]) {
    const error = new AspenError(code, '')
    if (error.retryable) assert.equal(leavesOpen(error), false, code)
  }
  assert.equal(leavesOpen(new AspenError('OUTCOME_UNKNOWN', '')), true)
})

test('tookEffect: is true of the one error that comes after the commit', () => {
  const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[]
  assert.deepEqual(
    codes.filter((code) => tookEffect(new AspenError(code, ''))),
    ['RESULT_TOO_LARGE'],
  )
  assert.equal(tookEffect(new ExchangeFailure('ECONNRESET', true)), false)
})

test('saysNothing: is true only of what was not sent for want of time', () => {
  assert.equal(saysNothing(new ExchangeFailure('no room', false, { outOfTime: true })), true)
  assert.equal(saysNothing(new ExchangeFailure('no answer', true, { outOfTime: true })), false)
  assert.equal(saysNothing(new ExchangeFailure('ECONNREFUSED', false)), false)
  assert.equal(saysNothing(new AspenError('OVERLOADED', '')), false)
})

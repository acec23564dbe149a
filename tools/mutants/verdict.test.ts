import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SafetyViolation } from '../../sim/invariants.ts'
import { assert as hold } from '../../src/lib/index.ts'
import { verdictOn } from './verdict.ts'

/** What `run` throws. */
function thrownBy(run: () => void): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  assert.fail('nothing was thrown')
}

test('verdictOn: names the promise that was broken, however deep the error lies', () => {
  const violation = new SafetyViolation('log matching', 'two contents')
  const outer = new Error('seed 7', { cause: new Error('node 1 poisoned itself', { cause: violation }) })
  const expected = { kind: 'caught', by: '7', property: 'log matching', message: 'log matching: two contents' }
  assert.deepEqual(verdictOn('7', outer), expected)
})

test('verdictOn: counts assertions of the code, and what did not happen in time', () => {
  const assertion = verdictOn(
    '1',
    thrownBy(() => hold(false, 'the log ends')),
  )
  assert.deepEqual(assertion, { kind: 'caught', by: '1', property: 'assertion', message: 'the log ends' })
  const late = verdictOn('1', new Error('no progress within 5 s'))
  assert.deepEqual(late, { kind: 'caught', by: '1', property: 'liveness', message: 'no progress within 5 s' })
})

test('verdictOn: does not count code that cannot run', () => {
  const nonsense = thrownBy(() => (undefined as unknown as { call(): void }).call())
  assert.equal(verdictOn('1', new Error('seed 1', { cause: nonsense })).kind, 'broken')
  assert.equal(verdictOn('1', new SyntaxError('Unexpected token')).kind, 'broken')
})

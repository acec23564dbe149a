import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RESTART_SETTINGS } from './restart-policy.ts'
import { checkDefinition, readRules, readSettings } from './settings.ts'

const DEFINITION = { start: () => ({}) }

describe('readSettings', () => {
  test('what is not given is as documented, and actors of one kind share what they have', () => {
    const settings = readSettings(DEFINITION, {})
    assert.deepEqual([settings.restart, settings.capacity, settings.shutdownMs], ['permanent', 1_000, 5_000])
    assert.equal(readSettings(DEFINITION, { name: 'x', mailboxCapacity: 1_000 }), settings)
    const others = readSettings(DEFINITION, { mailboxCapacity: 7 })
    assert.equal(others.capacity, 7)
    assert.equal(readSettings(DEFINITION, { mailboxCapacity: 7 }), others)
    assert.notEqual(readSettings(DEFINITION, { mailboxCapacity: 7, shutdownMs: 1 }), others)
  })

  test('what is changed later changes nothing', () => {
    const restarts = { maxRestarts: 5 }
    const messages = ['a']
    const settings = readSettings(DEFINITION, { supervision: { restarts }, reserve: { messages, room: 3 } })
    restarts.maxRestarts = 6
    messages.push('b')
    assert.deepEqual(settings.supervision?.restarts, { ...RESTART_SETTINGS, maxRestarts: 5 })
    assert.deepEqual(settings.reserve, { messages: ['a'], room: 3 })
  })

  test('each bad value is refused by its name', () => {
    const bad: readonly (readonly [string, unknown])[] = [
      ['restart', 'sometimes'],
      ['restart', null],
      ['mailboxCapacity', 0],
      ['mailboxCapacity', 10_001],
      ['mailboxCapacity', 1.5],
      ['mailboxCapacity', '5'],
      ['mailboxCapacity', Number.NaN],
      ['shutdownMs', -1],
      ['shutdownMs', 2 ** 31],
      ['shutdownMs', Infinity],
      ['keepsMessages', 'no'],
      ['onDropped', 'log'],
      ['reserve.room', { messages: [], room: -1 }],
      ['reserve.messages', { messages: 'vote', room: 1 }],
      ['reserve.messages', { messages: [1], room: 1 }],
      ['supervision', 5],
      ['supervision.strategy', { strategy: 'all' }],
      ['supervision.mayRestart', { mayRestart: true }],
    ]
    for (const [what, value] of bad) {
      const [key = ''] = what.split('.')
      assert.throws(() => readSettings(DEFINITION, { [key]: value }), new RegExp(`${what} is .*: give `), what)
    }
  })

  test('a getter that throws is the error of who spawns', () => {
    const options = {
      get mailboxCapacity(): number {
        throw new Error('a getter')
      },
    }
    assert.throws(() => readSettings(DEFINITION, options), /a getter/)
  })
})

describe('readRules', () => {
  test('restart settings that cannot be meant are refused', () => {
    const bad: readonly (readonly [string, unknown])[] = [
      ['maxRestarts', -1],
      ['maxRestarts', 1_001],
      ['maxRestarts', null],
      ['windowMs', 0],
      ['windowMs', '10'],
      ['stabilityMs', Number.NaN],
      ['circuitOpenMs', 0],
      ['circuitOpenMs', 2 ** 31],
      ['halfOpenStabilityMs', -5],
    ]
    for (const [name, value] of bad)
      assert.throws(() => readRules({ restarts: { [name]: value } }), new RegExp(`restarts.${name} is .*: give `), name)
    assert.throws(
      () => readRules({ restarts: { maxRestart: 3 } as never }),
      /"maxRestart" in restarts is no setting: there are maxRestarts/,
    )
    assert.throws(() => readRules({ restarts: 3 as never }), /restarts is 3/)
  })

  test('undefined is as if it were not given; null is no circuit', () => {
    const { restarts } = readRules({ restarts: { maxRestarts: undefined, circuitOpenMs: null } as never })
    assert.deepEqual(restarts, { ...RESTART_SETTINGS, circuitOpenMs: null })
  })
})

test('checkDefinition: what has no start is refused', () => {
  for (const definition of [undefined, null, 5, {}, { start: 5 }, [], () => ({})])
    assert.throws(() => checkDefinition(definition), /without a start/)
  assert.throws(() => checkDefinition({ start: () => ({}), stop: 5 }), /stop of a definition is 5/)
  checkDefinition({ start: () => ({}), stop: undefined })
})

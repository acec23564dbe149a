import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as check, AssertionError, unreachable } from './assert.ts'

test('assert: passes what is true, throws AssertionError with the message for the rest', () => {
  for (const truthy of [true, 1, 'text', {}]) check(truthy, 'not thrown')
  for (const falsy of [false, 0, '', null, undefined]) {
    assert.throws(() => check(falsy, 'the ring is full'), { name: 'AssertionError', message: 'the ring is full' })
  }
  assert.throws(
    () => check(false, 'x'),
    (error) => error instanceof AssertionError && error instanceof Error,
  )
})

test('unreachable: names the value that got there', () => {
  assert.throws(() => unreachable({ type: 'new' } as never), { name: 'AssertionError', message: /\{"type":"new"\}/ })
})

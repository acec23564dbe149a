import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindAddresses } from './bind-addresses.ts'

test('bindAddresses: opens no interface that a TCP socket would not', () => {
  assert.deepEqual(bindAddresses('127.0.0.1', 5, true), ['127.0.0.1:5', '[::1]:5'])
  assert.deepEqual(bindAddresses('10.0.0.1', 5, true), ['10.0.0.1:5', '[::1]:5'])
  assert.deepEqual(bindAddresses('0.0.0.0', 5, true), ['0.0.0.0:5', '[::1]:5'])
  assert.deepEqual(bindAddresses('::1', 5, true), ['127.0.0.1:5', '[::1]:5'])
  assert.deepEqual(bindAddresses('fd00::1', 5, true), ['127.0.0.1:5', '[fd00::1]:5'])
  assert.deepEqual(bindAddresses('::', 5, true), ['0.0.0.0:5', '[::]:5'])
  assert.deepEqual(bindAddresses('127.0.0.1', 5, false), ['127.0.0.1:5'])
})

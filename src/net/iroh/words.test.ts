import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstLine, systemCode } from './words.ts'

const SAID = `Failed to bind sockets (registry/iroh-1.0.2/src/socket.rs:946:24)
Caused by:
    Address already in use (os error 98)

Stack backtrace:
   0: <anyhow::Error>::msg::<alloc::string::String>`

test('firstLine: is what the binding says, without its sources and its backtrace', () => {
  assert.equal(firstLine(new Error(SAID)), 'Failed to bind sockets')
  assert.equal(firstLine(new Error('aborted by peer (code 7)')), 'aborted by peer (code 7)')
  assert.equal(firstLine('words'), 'words')
})

test('systemCode: is that of the error behind it', () => {
  assert.equal(systemCode(new Error(SAID)), 'EADDRINUSE')
  assert.equal(systemCode(new Error('Failed to bind sockets')), null)
  assert.equal(systemCode(new Error('it (os error 12345)')), null)
})

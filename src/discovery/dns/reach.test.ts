import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayLead } from './reach.ts'

test('mayLead: not from a network to what only this machine or this cable reaches, and nowhere that nobody is', () => {
  const out = ['10.0.0.1:26000', 'node.example:1', '[fd00::1]:26000']
  for (const host of ['10.9.9.9', '203.0.113.1', 'fd00::2', '2001:db8::1']) assert.equal(mayLead(out, host), true, host)
  const local = ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '169.254.169.254', 'fe80::1', '::ffff:169.254.1.1']
  const nowhere = ['0.0.0.0', '224.0.0.251', '255.255.255.255', '::', 'ff02::fb', '', 'localhost', '127.1', 'node.example']
  for (const host of [...local, ...nowhere]) assert.equal(mayLead(out, host), false, host)
  for (const host of ['127.0.0.1', '::1', '10.0.0.1']) assert.equal(mayLead(['127.0.0.1:1'], host), true, host)
  assert.equal(mayLead(['127.0.0.1:1'], '169.254.169.254'), false)
  assert.equal(mayLead(['[fe80::2%eth0]:1'], 'fe80::1'), true)
  for (const host of nowhere) assert.equal(mayLead(['127.0.0.1:1'], host), false, host)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seenAt } from './seen-at.ts'

test('seenAt: whoever dialled knows where; whoever was dialled, the host, with the ports that the peer says', () => {
  const claimed = ['10.0.0.1:26000', '172.17.0.2:26000', 'name:27000', 'nonsense']
  assert.deepEqual(seenAt('192.0.2.1:40000', claimed, true), ['192.0.2.1:40000'])
  assert.deepEqual(seenAt('192.0.2.1:40000', claimed, false), ['192.0.2.1:26000', '192.0.2.1:27000'])
  assert.deepEqual(seenAt('[2001:db8::1]:40000', claimed, false), ['[2001:db8::1]:26000', '[2001:db8::1]:27000'])
  assert.deepEqual(seenAt('[::ffff:192.0.2.1]:40000', ['a:1'], false), ['192.0.2.1:1'])
  assert.deepEqual(seenAt('192.0.2.1:40000', [], false), [])
  for (const unknown of [null, 'unix socket']) assert.deepEqual(seenAt(unknown, claimed, true), [])
  const many = Array.from({ length: 40 }, (_, i) => `a:${i + 1}`)
  assert.equal(seenAt('192.0.2.1:40000', many, false).length, 4)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveTopic } from './topic.ts'

test('deriveTopic: is the same for one cookie, and another one for another; golden bytes', async () => {
  const topic = await deriveTopic('aspen-cookie')
  assert.equal(topic.toHex(), '26ddc117474e1b6928c2236a51c886316e4c49bbe958853fff365248452bad9b')
  assert.notEqual((await deriveTopic('another')).toHex(), topic.toHex())
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureWords } from './failure-words.ts'

test('failureWords: says what to do where the code alone would not', () => {
  const of = (code: string, secured = true): string => failureWords(Object.assign(new Error('m'), { code }), secured)
  assert.match(of('EPROTO'), /^EPROTO: .*http:\/\//)
  assert.match(of('DEPTH_ZERO_SELF_SIGNED_CERT'), /not trusted.*NODE_EXTRA_CA_CERTS/)
  assert.match(of('ECONNRESET', false), /https:\/\//)
  assert.deepEqual([of('ECONNRESET'), of('ECONNREFUSED'), of('constructor')], ['ECONNRESET', 'ECONNREFUSED', 'constructor'])
  assert.equal(failureWords(new Error('as it is'), false), 'as it is')
})

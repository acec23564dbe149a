import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LinkError } from '../net/direct/dial/index.ts'
import { dialFailure, endedFailure, timeoutFailure } from './link-failure.ts'
import { saysNothing } from './retry.ts'

test('a call that found no link in its time says nothing of the node; whatever ended otherwise does', () => {
  assert.equal(saysNothing(timeoutFailure(1, false)), true)
  const telling = [
    timeoutFailure(1, true),
    dialFailure(new LinkError('OVERLOADED', '2 clients are connected already')),
    // The dialer gave up a node that did not speak, in its own time.
    dialFailure(new LinkError('TIMEOUT', 'no handshake')),
    dialFailure(Object.assign(new Error('nothing listens'), { code: 'ECONNREFUSED' })),
    endedFailure(undefined, false),
  ]
  for (const failure of telling) assert.equal(saysNothing(failure), false, failure.message)
})

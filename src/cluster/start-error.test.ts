import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BindError } from '../net/index.ts'
import { ConfigError } from './config/index.ts'
import { completeConfig } from './config/index.ts'
import { missingBinding, startError } from './start-error.ts'

test('startError: says what to do where iroh is asked for and cannot be had, as for other wrong settings', () => {
  const error = new Error('links cannot start', { cause: new BindError('NO_BINDING', 'Cannot find native binding') })
  const { message } = startError(error, completeConfig({ nodeId: 1, transport: 'iroh' }))
  assert.match(message, /transport is iroh.*Cannot find native binding.*give auto or direct/)
  assert.ok(missingBinding(error) instanceof ConfigError)
  assert.equal(missingBinding(new BindError('EADDRINUSE', 'taken')), undefined)
})

test('startError: a port of iroh that is taken is one that cannot be listened on', () => {
  const error = Object.assign(new BindError('EADDRINUSE', 'Failed to bind sockets'), { port: 26_000 })
  const { message } = startError(error, completeConfig({ nodeId: 1 }))
  assert.match(message, /cannot listen for other nodes on 127\.0\.0\.1:26000.*EADDRINUSE.*ractorPort/)
})

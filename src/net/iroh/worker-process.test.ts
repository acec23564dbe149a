import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workerEnvironment } from './worker-process.ts'

test('workerEnvironment: has nothing of the settings of the node, nor of its engine', () => {
  const env = {
    PATH: '/bin',
    ASPEN_COOKIE: 'secret',
    ASPEN_HTTP_TOKEN: 'secret',
    NODE_OPTIONS: '--inspect',
    SSL_CERT_FILE: '/ca',
  }
  assert.deepEqual(workerEnvironment(env), { PATH: '/bin', SSL_CERT_FILE: '/ca' })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import { connectHttp } from '../../src/client/index.ts'

const ANSWER = JSON.stringify({ success: true, log_id: { term: 1, index: 5 } })

test('write: is not sent again when a kept connection is reset after it left', async () => {
  let writes = 0
  const server = createServer((request, response) => {
    writes++
    if (writes === 2) request.socket.destroy()
    else response.setHeader('content-type', 'application/json').end(ANSWER)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = connectHttp([url, url])
  try {
    await client.write({ Set: { key: 'k', value: 'first' } })
    const second = client.write({ Set: { key: 'k', value: 'second' } })
    await assert.rejects(second, (error) => error instanceof AspenError && error.code === 'OUTCOME_UNKNOWN')
    assert.equal(writes, 2)
  } finally {
    client.close()
    server.close()
  }
})

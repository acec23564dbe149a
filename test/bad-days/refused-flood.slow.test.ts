/** Who has no token and goes on sending costs the others next to nothing, measured against the same machine without it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createFixture } from '../http/fixture.ts'

const CONNECTIONS = 60
const ASKED = 100
/** Where the rest of a refused body went through the parser it was 10,000 and more. */
const MAX_RATIO = 200
/** Those that are refused take turns: without them a crowd costs as many times what one does as it has members. */
const MAX_CROWD_RATIO = 12

/** Opens each connection again as soon as it has ended, and counts the refusals. */
const FLOOD = `
  const { connect } = require('node:net')
  const { parentPort, workerData: { port, connections } } = require('node:worker_threads')
  const chunks = Buffer.from('1\\r\\n \\r\\n'.repeat(10_000))
  const head = 'POST /write HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nContent-Type: application/json\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n'
  let refused = 0
  const open = () => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(head)
      const more = () => { while (!socket.destroyed && socket.write(chunks)); }
      socket.on('drain', more)
      more()
    })
    socket.once('data', (piece) => {
      if (piece.toString('latin1').startsWith('HTTP/1.1 401 ') && ++refused === connections) parentPort.postMessage('under way')
    })
    socket.on('error', () => undefined)
    socket.on('close', open)
  }
  for (let i = 0; i < connections; i++) open()
`

async function medianMs(url: string): Promise<number> {
  const took: number[] = []
  for (let i = 0; i < ASKED; i++) {
    const since = performance.now()
    const answer = await fetch(`${url}/health`)
    assert.equal(answer.status, 200)
    await answer.arrayBuffer()
    took.push(performance.now() - since)
  }
  return took.toSorted((a, b) => a - b)[ASKED / 2] as number
}

async function medianInFlood(url: string, connections: number): Promise<number> {
  const flood = new Worker(FLOOD, { eval: true, execArgv: [], workerData: { port: Number(new URL(url).port), connections } })
  try {
    await once(flood, 'message')
    return await medianMs(url)
  } finally {
    await flood.terminate()
  }
}

test('a flood of connections without the token, in chunks of a byte: the others are answered about as before', async (t) => {
  const { server } = await createFixture({ initialized: true }, { token: 'open sesame' })
  t.after(() => server.close(0))
  const url = await server.listen()
  await medianMs(url)
  const alone = await medianMs(url)
  const besideOne = await medianInFlood(url, 1)
  const inCrowd = await medianInFlood(url, CONNECTIONS)
  const [one, crowd] = [besideOne, inCrowd].map((ms) => (ms / alone).toFixed(1))
  const said = `the median of /health is ${one} times what it is alone beside one connection, and ${crowd} times beside ${CONNECTIONS}`
  t.diagnostic(said)
  assert.ok(inCrowd < alone * MAX_RATIO, said)
  assert.ok(inCrowd < besideOne * MAX_CROWD_RATIO, said)
})

/**
 * Runs as a thread: raw sockets that send prepared requests and do no more with an answer than see that it is a 200 and
 * where it ends. A client library would cost more than the server that is measured.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { keepInFlight } from './measure.ts'

export interface HttpLoad {
  /** Where the servers are; loopback when absent. */
  readonly host?: string
  /** Their ports, which the connections are spread over. */
  readonly ports: readonly number[]
  readonly connections: number
  /** Requests that each connection has unanswered (pipelining, when more than one). */
  readonly depth: number
  /** Whole HTTP/1.1 requests. */
  readonly requests: readonly string[]
}

const HEAD_END = '\r\n\r\n'

/** Where the answer at the front of `bytes` ends, or undefined when it is not all there. @throws Error unless it is a 200 */
function answerEnd(bytes: Buffer): number | undefined {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd === -1) return undefined
  const head = bytes.toString('latin1', 0, headEnd)
  const length = /content-length: (\d+)/i.exec(head)?.[1]
  if (!head.startsWith('HTTP/1.1 200') || length === undefined) throw new Error(`the server answered: ${bytes.toString()}`)
  const end = headEnd + HEAD_END.length + Number(length)
  return end <= bytes.length ? end : undefined
}

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Opens a connection; what is returned sends a request and waits for its answer. */
async function openConnection(port: number, host = '127.0.0.1'): Promise<(request: Buffer) => Promise<void>> {
  const socket = connect({ port, host, noDelay: true })
  await once(socket, 'connect')
  const waiters: Waiter[] = []
  let received: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    try {
      for (let end = answerEnd(received); end !== undefined; end = answerEnd(received)) {
        received = received.subarray(end)
        waiters.shift()?.resolve()
      }
    } catch (error) {
      socket.destroy(error as Error)
    }
  })
  let ended: Error | undefined
  socket.on('error', (error) => (ended = error))
  socket.on('close', () => {
    ended ??= new Error('the server closed the connection')
    for (const waiter of waiters.splice(0)) waiter.reject(ended)
  })
  return (request) =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended)
      waiters.push({ resolve, reject })
      socket.write(request)
    })
}

if (parentPort !== null) {
  const port = parentPort
  const load = workerData as HttpLoad
  const requests = load.requests.map((request) => Buffer.from(request))
  const connections = await Promise.all(
    Array.from({ length: load.connections }, (_, i) => openConnection(load.ports[i % load.ports.length] as number, load.host)),
  )
  let sent = 0
  const exchange = (lane: number): Promise<void> => {
    const send = connections[lane % connections.length]
    const request = requests[sent++ % requests.length]
    if (send === undefined || request === undefined) throw new Error('load needs a connection and a request')
    return send(request)
  }
  port.on('message', (durationMs: number) => {
    keepInFlight(durationMs, load.connections * load.depth, exchange).then(
      (round) => port.postMessage(round),
      // Thrown where nobody catches it, it ends the thread, and the one that waits for the round hears of it.
      (error: unknown) =>
        setImmediate(() => {
          throw error
        }),
    )
  })
}

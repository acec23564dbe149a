/**
 * How a connection ends whose client still sends a body that nobody wants. Closed at once, the kernel would answer the rest
 * with a reset, and the client would hear that instead of the refusal. So what comes is thrown away for a while, past the
 * parser, which would take a body of short chunks apart.
 */
import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { MAX_HTTP_BODY_SIZE } from '../../limits.ts'

/** What a client may go on to send, which then has its answer: the largest body. */
const MAX_DISCARDED_BYTES = MAX_HTTP_BODY_SIZE
const DISCARD_MS = 2_000

/** Those that have more to throw away. One piece of one of them is read in a turn of the loop, so that a crowd costs the others no more than one does. */
const waiting = new Set<Socket>()
let isTurnDue = false

/** Makes this answer the last of its connection, which ends when the client has stopped sending, or has sent enough. */
export function makeLast(response: ServerResponse): void {
  response.shouldKeepAlive = false
  const { socket } = response
  // An injected request has none.
  if (socket instanceof Socket) socket.destroySoon = () => discardRest(socket)
}

function discardRest(socket: Socket): void {
  if (socket.destroyed) return
  let bytes = 0
  const discard = (piece: Buffer): void => {
    bytes += piece.length
    socket.pause()
    if (bytes > MAX_DISCARDED_BYTES) socket.destroy()
    else awaitTurn(socket)
  }
  // Node takes its parser off the connection for whoever wants to read it.
  socket.on('data', discard)
  for (const listener of socket.listeners('data')) if (listener !== discard) socket.off('data', listener as () => void)
  const enough = setTimeout(() => socket.destroy(), DISCARD_MS)
  socket.once('close', () => {
    clearTimeout(enough)
    waiting.delete(socket)
  })
  socket.once('end', () => socket.destroy())
  socket.end()
  awaitTurn(socket)
}

function awaitTurn(socket: Socket): void {
  waiting.add(socket)
  if (!isTurnDue) setImmediate(readNext)
  isTurnDue = true
}

function readNext(): void {
  const [next] = waiting
  isTurnDue = waiting.size > 1
  if (isTurnDue) setImmediate(readNext)
  if (next === undefined) return
  waiting.delete(next)
  next.resume()
}

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
    if (bytes > MAX_DISCARDED_BYTES) socket.destroy()
    // One piece a turn: others are read in between.
    socket.pause()
    setImmediate(() => socket.resume())
  }
  // Node takes its parser off the connection for whoever wants to read it.
  socket.on('data', discard)
  for (const listener of socket.listeners('data')) if (listener !== discard) socket.off('data', listener as () => void)
  const enough = setTimeout(() => socket.destroy(), DISCARD_MS)
  socket.once('close', () => clearTimeout(enough))
  socket.once('end', () => socket.destroy())
  socket.end()
  socket.resume()
}

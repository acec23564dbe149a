import type { Transport } from '../src/ports/index.ts'

/** A transport that calls `sending` before whatever is sent over it. */
export function watchSends(transport: Transport, sending: () => void): Transport {
  return {
    ...transport,
    attach: (kind, handler) => {
      const channel = transport.attach(kind, handler)
      return {
        detach: () => channel.detach(),
        send: (peer, parts, lane) => {
          sending()
          return channel.send(peer, parts, lane)
        },
      }
    },
  }
}

import type { Transport } from '../src/ports/index.ts'

/** A transport that calls `sending` before whatever it sends. */
export function watchSends(transport: Transport, sending: () => void): Transport {
  return {
    ...transport,
    send: (peer, parts, lane) => {
      sending()
      return transport.send(peer, parts, lane)
    },
  }
}

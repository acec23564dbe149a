/** HTTP within TLS: what the server is given, and how it is told of another certificate. */
import type { Server, Socket } from 'node:net'
import type { Server as TlsServer, TlsOptions } from 'node:tls'

/** In PEM; behind the certificate those between it and the root. */
export interface TlsKeyPair {
  readonly cert: string
  readonly key: string
}

/** For a client that opens a connection and does not go on. */
const HANDSHAKE_TIMEOUT_MS = 5_000

export function tlsOptions({ cert, key }: TlsKeyPair): TlsOptions {
  return { cert, key, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'], handshakeTimeout: HANDSHAKE_TIMEOUT_MS }
}

/** New connections are served with it; those that are open go on. @throws Error when the two do not fit */
export function replaceKeyPair(server: Server, { cert, key }: TlsKeyPair): void {
  const tls = server as TlsServer
  tls.setSecureContext({ cert, key, minVersion: 'TLSv1.2' })
}

/** What a connection is announced by once requests can come on it. */
export type ConnectionEvent = 'connection' | 'secureConnection'

/** Connections of a server as the system has them: in the middle of a handshake HTTP does not know of them. */
export class RawConnections {
  readonly #open = new Set<Socket>()

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#open.add(socket)
      socket.once('close', () => this.#open.delete(socket))
    })
  }

  destroy(): void {
    for (const socket of this.#open) socket.destroy()
  }
}

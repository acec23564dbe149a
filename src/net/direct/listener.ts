import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { SecureContext } from 'node:tls'
import type { Clock, ConnectionStats, Timer } from '../../ports/index.ts'
import { remoteOf } from '../link/index.ts'
import { provenEndpointId } from './tls-context.ts'
import { WHO_LISTENS_PROTOCOL } from './who-listens.ts'

/** Why a connection was closed before its handshake, in words for the log. */
export const REJECTION_TEXTS = {
  ACCEPT_FAILED: 'the system could not accept a connection: give the process more file descriptors (ulimit -n)',
  NO_KEY: 'it shows no Ed25519 key: only nodes and clients of aspen have business at this port',
  NO_PROTOCOL: 'it asks for no protocol that this node serves: run the same release on both ends, or correct the port',
  OVERLOADED: 'there are as many connections as may be: look for who opens them, and keep strangers out',
  TIMEOUT: 'it did not say who it is in time: something else than aspen, or a slow path',
  TLS_FAILED: 'it does not speak TLS 1.3: correct the port, for clients of HTTP have another one',
} as const

export type RejectionReason = keyof typeof REJECTION_TEXTS

/** Takes a connection whose TLS has proven the peer's key. It calls `admit` once the peer has proven the rest. */
export type AcceptConnection = (socket: TLSSocket, peerId: string, admit: () => void) => void

export interface ListenerOptions {
  readonly context: SecureContext
  readonly clock: Clock
  /** From the first byte to `admit`. */
  readonly handshakeTimeoutMs: number
  readonly maxConnections: number
  /** Connections that have not been admitted yet; one more, and the oldest of them is dropped. */
  readonly maxPendingConnections: number
  /** Connections closed because TLS or its checks failed, or a bound was met. */
  readonly rejected: (reason: RejectionReason, remote: string | null) => void
}

interface Pending {
  readonly raw: Socket
  readonly deadline: Timer
}

/**
 * The one accept loop. Protocols are told apart by their ALPN name, each with its own acceptor. Whoever has not proven
 * itself holds a place for a bounded time, and gives it up to newcomers when places are short.
 */
export class Listener {
  readonly #options: ListenerOptions
  readonly #protocols = new Map<string, AcceptConnection>()
  readonly #server: Server
  readonly #all = new Set<Socket>()
  #accepted = 0
  #refused = 0
  #max: number
  readonly #pending = new Set<Pending>()

  constructor(options: ListenerOptions) {
    this.#options = options
    this.#max = options.maxConnections
    this.#server = createServer({ noDelay: true, allowHalfOpen: false }, (raw) => this.#onConnection(raw))
  }

  /** Serves a protocol; to be called before `listen`. */
  route(protocol: string, accept: AcceptConnection): void {
    this.#protocols.set(protocol, accept)
  }

  /** Rejects with the system's error, its code intact, when the address cannot be had. */
  async listen(host: string, port: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject)
    this.#server.listen(port, host, resolve)
    await promise
    this.#server.off('error', reject)
    // Accepting may fail later too, for want of file descriptors; the listener itself lives on.
    this.#server.on('error', () => this.#options.rejected('ACCEPT_FAILED', null))
    return (this.#server.address() as AddressInfo).port
  }

  get stats(): ConnectionStats {
    return {
      open: this.#all.size,
      pending: this.#pending.size,
      max: this.#max,
      accepted: this.#accepted,
      refused: this.#refused,
    }
  }

  /** How many connections there may be from now on. Those there are stay. */
  limit(max: number): void {
    this.#max = max
  }

  /** Stops accepting and drops whoever was not admitted yet. Admitted connections are their owners'. */
  close(): void {
    if (this.#server.listening) this.#server.close()
    for (const { raw } of this.#pending) raw.destroy()
  }

  #onConnection(raw: Socket): void {
    if (this.#all.size >= this.#max) return this.#reject(raw, 'OVERLOADED')
    this.#accepted++
    if (this.#pending.size >= this.#options.maxPendingConnections) this.#dropPending()
    const { clock, handshakeTimeoutMs } = this.#options
    const deadline = clock.setTimer(handshakeTimeoutMs, () => this.#reject(raw, 'TIMEOUT'))
    const pending: Pending = { raw, deadline }
    const settle = (): void => {
      deadline.cancel()
      this.#pending.delete(pending)
    }
    this.#all.add(raw)
    this.#pending.add(pending)
    raw.once('close', () => {
      settle()
      this.#all.delete(raw)
    })
    this.#startTls(raw, settle)
  }

  #startTls(raw: Socket, admit: () => void): void {
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext: this.#options.context,
      requestCert: true,
      // Certificates are self-signed: the key in them is what is checked, below and by the dialer.
      rejectUnauthorized: false,
      ALPNCallback: ({ protocols }) =>
        protocols.find((protocol) => this.#protocols.has(protocol) || protocol === WHO_LISTENS_PROTOCOL),
    })
    const onTlsError = (): void => this.#reject(raw, 'TLS_FAILED')
    socket.on('error', onTlsError)
    socket.once('secure', () => {
      // The answer was the certificate.
      if (socket.alpnProtocol === WHO_LISTENS_PROTOCOL) return void raw.destroy()
      const accept = typeof socket.alpnProtocol === 'string' ? this.#protocols.get(socket.alpnProtocol) : undefined
      // Asking for a certificate does not make TLS insist on one, nor does offering protocols.
      const peerId = provenEndpointId(socket)
      if (accept === undefined) return this.#reject(raw, 'NO_PROTOCOL')
      if (peerId === undefined) return this.#reject(raw, 'NO_KEY')
      accept(socket, peerId, admit)
      socket.off('error', onTlsError)
    })
  }

  #reject(raw: Socket, reason: RejectionReason): void {
    if (raw.destroyed) return
    this.#refused++
    this.#options.rejected(reason, remoteOf(raw))
    raw.destroy()
  }

  /** The oldest of the source that holds the most places: a crowd from one address pushes out its own. */
  #dropPending(): void {
    const bySource = new Map<string, Pending[]>()
    let most: Pending[] = []
    for (const pending of this.#pending) {
      const source = pending.raw.remoteAddress ?? ''
      const held = bySource.get(source) ?? []
      held.push(pending)
      bySource.set(source, held)
      if (held.length > most.length) most = held
    }
    const [oldest] = most
    if (oldest === undefined) return
    this.#pending.delete(oldest)
    this.#reject(oldest.raw, 'OVERLOADED')
  }
}

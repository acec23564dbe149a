import type { Duplex } from 'node:stream'
import type { SecureContext } from 'node:tls'
import { CONNECT_TIMEOUT_MS, MAX_CONCURRENT_CONNECTIONS } from '../../limits.ts'
import type { Clock, ConnectionStats, PathKind } from '../../ports/index.ts'
import type {
  Carrier,
  DialAttempt,
  DialResult,
  HandshakeSelf,
  LinkReports,
  NodeIdentity,
  Resolve,
  Routes,
} from '../link/index.ts'
import { createResolver, advertisedAddresses, remoteOf } from '../link/index.ts'
import { dial } from './dialer.ts'
import { Listener, REJECTION_TEXTS } from './listener.ts'
import { createLinkContext } from './tls-context.ts'

const MAX_PENDING_CONNECTIONS = 100

export interface DirectCarrierOptions {
  readonly identity: NodeIdentity
  /** The address to bind: an IP address. */
  readonly host: string
  /** 0 takes any free port; `addresses()` tells which. */
  readonly port: number
  /** Where others reach this node, `host:port`; where it is empty, or absent, at the addresses that it is bound to. */
  readonly advertised?: readonly string[]
  readonly resolve?: Resolve
  /** From a connection to a proven link. */
  readonly handshakeTimeoutMs?: number
  readonly maxConnections?: number
  readonly maxPendingConnections?: number
}

/** Connections over TLS 1.3 on TCP. */
export class DirectCarrier implements Carrier {
  readonly name = 'direct'
  readonly #options: DirectCarrierOptions
  readonly #clock: Clock
  readonly #reports: LinkReports
  readonly #resolve: Resolve
  #context: SecureContext | undefined
  #listener: Listener | undefined
  #port: number | undefined
  /** Set while it runs, or before. */
  #max: number
  #stopped = false

  constructor(options: DirectCarrierOptions, clock: Clock, reports: LinkReports) {
    this.#options = options
    this.#clock = clock
    this.#reports = reports
    this.#resolve = options.resolve ?? createResolver(clock)
    this.#max = options.maxConnections ?? MAX_CONCURRENT_CONNECTIONS
  }

  async start(routes: Routes): Promise<void> {
    const { host, port, maxPendingConnections } = this.#options
    const listener = new Listener({
      context: this.#secureContext(),
      clock: this.#clock,
      handshakeTimeoutMs: this.#timeoutMs,
      maxConnections: this.#max,
      maxPendingConnections: maxPendingConnections ?? MAX_PENDING_CONNECTIONS,
      rejected: (reason, remote) => this.#reports.rejected(reason, REJECTION_TEXTS[reason], remote),
    })
    for (const [protocol, accept] of routes) {
      listener.route(protocol, (socket, endpointId, admit) => accept({ socket, endpointId, remote: remoteOf(socket), admit }))
    }
    this.#port = await listener.listen(host, port)
    this.#listener = listener
    if (this.#stopped) listener.close()
  }

  /** That it is bound to; undefined before it has started. */
  get port(): number | undefined {
    return this.#port
  }

  addresses(): readonly string[] {
    return advertisedAddresses(this.#options, this.#port)
  }

  reaches({ addresses }: Pick<DialAttempt, 'addresses'>): boolean {
    return addresses.length > 0
  }

  dial(self: HandshakeSelf, attempt: DialAttempt): Promise<DialResult> {
    const context = this.#secureContext()
    return dial({ context, clock: this.#clock, resolve: this.#resolve, self, timeoutMs: this.#timeoutMs }, attempt)
  }

  pathOf(_socket: Duplex): PathKind {
    return 'direct'
  }

  get stats(): ConnectionStats {
    return this.#listener?.stats ?? { open: 0, pending: 0, max: this.#max, accepted: 0, refused: 0 }
  }

  limit(max: number): void {
    this.#max = max
    this.#listener?.limit(max)
  }

  stop(): void {
    this.#stopped = true
    this.#listener?.close()
  }

  async close(): Promise<void> {
    this.stop()
  }

  get #timeoutMs(): number {
    return this.#options.handshakeTimeoutMs ?? CONNECT_TIMEOUT_MS
  }

  #secureContext(): SecureContext {
    this.#context ??= createLinkContext(this.#options.identity)
    return this.#context
  }
}

import type { Duplex } from 'node:stream'
import { formatAddress, parseAddress } from '../../api/index.ts'
import { CONNECT_TIMEOUT_MS, MAX_CONCURRENT_CONNECTIONS, STREAM_OPEN_TIMEOUT_MS } from '../../limits.ts'
import type { Clock, ConnectionStats, PathKind, Timer } from '../../ports/index.ts'
import {
  createResolver,
  dialHandshake,
  HandshakeStream,
  LinkError,
  advertisedAddresses,
  refuseAndClose,
  surface,
} from '../link/index.ts'
import type {
  Carrier,
  DialAttempt,
  DialedLink,
  DialResult,
  HandshakeSelf,
  LinkReports,
  NodeIdentity,
  Resolve,
  Routes,
} from '../link/index.ts'
import { bindAddresses } from './bind-addresses.ts'
import { BindError, WorkerProcess } from './worker-process.ts'
import type { Accepted, Rejected } from './worker-process.ts'
import { IrohSocket } from './iroh-socket.ts'
import type { IrohRejection } from './worker-messages.ts'

const MAX_PENDING_CONNECTIONS = 100
const MAX_DIAL_ADDRESSES = 32
/** After its worker has ended of itself. */
const RESTART_MS = 5_000

const REJECTION_TEXTS: Readonly<Record<IrohRejection, string>> = {
  OVERLOADED: 'there are as many connections as may be: look for who opens them, and keep strangers out',
  TIMEOUT: 'it did not say who it is in time: something else than aspen, or a slow path',
  QUIC_FAILED: 'QUIC could not agree with it: only nodes and clients of aspen have business at this port',
}

export interface IrohCarrierOptions {
  readonly identity: NodeIdentity
  /** The address to bind: an IP address. */
  readonly host: string
  /** Asked when it starts: that of TCP, so that one `host:port` is where a node is found over either. 0 takes any free one. */
  readonly port: () => number
  /** Relays that this node is reached through: URLs. Without any, none is asked for anything. */
  readonly relays: readonly string[]
  /** Where others reach this node, where that is not where it listens. */
  readonly advertised?: readonly string[]
  readonly resolve?: Resolve
  /** From a connection to a proven link. */
  readonly handshakeTimeoutMs?: number
  readonly maxConnections?: number
  readonly maxPendingConnections?: number
}

/** Connections over QUIC as iroh makes them: to addresses, and through relays. */
export class IrohCarrier implements Carrier {
  readonly name = 'iroh'
  readonly #options: IrohCarrierOptions
  readonly #clock: Clock
  readonly #reports: LinkReports
  readonly #resolve: Resolve
  #worker: WorkerProcess | undefined
  #restart: Timer | undefined
  #routes: Routes = new Map()
  #port: number | undefined
  readonly #pending = new Map<IrohSocket, Timer>()
  #accepted = 0
  #refused = 0
  #max: number
  #stopped = false
  /** Of the relays of this node, which the next dial that knows no other goes through. */
  #turn = 0

  constructor(options: IrohCarrierOptions, clock: Clock, reports: LinkReports) {
    this.#options = options
    this.#clock = clock
    this.#reports = reports
    this.#resolve = options.resolve ?? createResolver(clock)
    this.#max = options.maxConnections ?? MAX_CONCURRENT_CONNECTIONS
  }

  async start(routes: Routes): Promise<void> {
    const { identity, host, relays, maxPendingConnections = MAX_PENDING_CONNECTIONS } = this.#options
    this.#routes = routes
    const port = this.#port ?? this.#options.port()
    const [address = host] = await this.#resolve(host)
    const setup = {
      seed: identity.seed,
      protocols: [...routes.keys()],
      bind: bindAddresses(address, port),
      relays,
      maxConnections: this.#max,
      maxPending: maxPendingConnections,
      connectTimeoutMs: this.#timeoutMs,
      streamTimeoutMs: Math.min(STREAM_OPEN_TIMEOUT_MS, this.#timeoutMs),
    }
    const worker = new WorkerProcess(setup, this.#clock, {
      accepted: (socket, facts) => this.#onAccepted(socket, facts),
      rejected: (facts) => this.#onRejected(facts),
      ended: (error) => this.#onWorkerEnded(error),
    })
    let bound: readonly string[]
    try {
      bound = await worker.bound()
    } catch (error) {
      // The shape of the system's own refusals to listen.
      if (error instanceof BindError && error.code !== null && error.code !== 'NO_BINDING') throw Object.assign(error, { port })
      throw error
    }
    this.#worker = worker
    this.#port = portOf(address, bound)
    if (this.#stopped) worker.stop()
  }

  get isStarted(): boolean {
    return this.#worker !== undefined
  }

  addresses(): readonly string[] {
    return advertisedAddresses(this.#options, this.#port)
  }

  reaches({ addresses, relay }: Pick<DialAttempt, 'addresses' | 'relay'>): boolean {
    return addresses.length > 0 || relay !== null || this.#options.relays.length > 0
  }

  async dial(self: HandshakeSelf, attempt: DialAttempt): Promise<DialResult> {
    const timeout = new AbortController()
    const late = this.#clock.setTimer(this.#timeoutMs, () =>
      timeout.abort(new LinkError('TIMEOUT', 'the peer did not answer over iroh in time')),
    )
    const signal = AbortSignal.any([attempt.signal, timeout.signal])
    let socket: IrohSocket | undefined
    try {
      if (this.#worker === undefined) throw new LinkError('ABORTED', 'iroh has not started')
      const { endpointId } = attempt
      const addresses = await this.#resolveAll(attempt.addresses)
      const relay = attempt.relay ?? this.#nextRelay()
      socket = await this.#worker.dial({ endpointId, protocol: self.protocol, addresses, relay }, signal)
      return { linked: await this.#prove(socket, self, attempt, signal) }
    } catch (error) {
      return { error: error as Error, remote: socket?.remote ?? attempt.relay ?? attempt.addresses[0] ?? null, refused: false }
    } finally {
      late.cancel()
    }
  }

  pathOf(socket: Duplex): PathKind {
    return socket instanceof IrohSocket && socket.relayed ? 'iroh-relay' : 'iroh-direct'
  }

  get stats(): ConnectionStats {
    const { size: pending } = this.#pending
    return { open: this.#worker?.open ?? 0, pending, max: this.#max, accepted: this.#accepted, refused: this.#refused }
  }

  limit(max: number): void {
    this.#max = max
    this.#worker?.limit(max)
  }

  stop(): void {
    this.#stopped = true
    this.#restart?.cancel()
    this.#worker?.stop()
    for (const socket of this.#pending.keys()) socket.destroy()
  }

  async close(): Promise<void> {
    this.stop()
    await this.#worker?.close()
  }

  get #timeoutMs(): number {
    return this.#options.handshakeTimeoutMs ?? CONNECT_TIMEOUT_MS
  }

  #nextRelay(): string | null {
    const { relays } = this.#options
    return relays[this.#turn++ % relays.length] ?? null
  }

  async #prove(
    socket: IrohSocket,
    self: HandshakeSelf,
    { endpointId, beforeProof }: DialAttempt,
    signal: AbortSignal,
  ): Promise<DialedLink> {
    const stream = new HandshakeStream(socket)
    const abort = (): void => {
      const { reason } = signal as { readonly reason: unknown }
      socket.destroy(reason instanceof LinkError ? reason : new LinkError('ABORTED', 'the attempt was given up'))
    }
    signal.addEventListener('abort', abort)
    try {
      const peer = await dialHandshake(stream, self, endpointId, beforeProof)
      if (socket.destroyed) throw new LinkError('ABORTED', 'the connection closed at the end of the handshake')
      return { socket, peer, remote: socket.remote, readAhead: stream.release() }
    } catch (error) {
      refuseAndClose({ clock: this.#clock, timeoutMs: this.#timeoutMs }, socket, stream, error as Error)
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  #onAccepted(socket: IrohSocket, { endpointId, protocol, remote }: Accepted): void {
    const accept = this.#routes.get(protocol)
    if (this.#stopped || accept === undefined) {
      socket.on('error', () => undefined).destroy()
      return
    }
    this.#accepted++
    const deadline = this.#clock.setTimer(this.#timeoutMs, () => this.#reject(socket, 'TIMEOUT'))
    const admit = (): void => {
      deadline.cancel()
      this.#pending.delete(socket)
    }
    this.#pending.set(socket, deadline)
    socket.once('close', admit)
    if (this.#pending.size > (this.#options.maxPendingConnections ?? MAX_PENDING_CONNECTIONS)) this.#dropOldest()
    accept({ socket, endpointId, remote, admit })
  }

  #dropOldest(): void {
    const [oldest] = this.#pending.keys()
    if (oldest !== undefined) this.#reject(oldest, 'OVERLOADED')
  }

  #reject(socket: IrohSocket, reason: IrohRejection): void {
    if (socket.destroyed) return
    this.#onRejected({ type: 'rejected', reason, remote: socket.remote })
    socket.destroy()
  }

  /** A peer is found by its other addresses, or its relay, where a name is not. */
  async #resolveAll(addresses: readonly string[]): Promise<readonly string[]> {
    const found = addresses.map(async (text) => {
      const address = parseAddress(text)
      if (address === undefined) return []
      const { host, port } = address
      const hosts = await this.#resolve(host).catch(() => [])
      return hosts.map((each) => formatAddress(each, port))
    })
    return (await Promise.all(found)).flat().slice(0, MAX_DIAL_ADDRESSES)
  }

  #onWorkerEnded(error: Error): void {
    this.#worker = undefined
    this.#reports.carrierEnded(this.name, error)
    this.#restart = this.#clock.setTimer(RESTART_MS, () => surface(this.#startAgain()))
  }

  async #startAgain(): Promise<void> {
    try {
      await this.start(this.#routes)
    } catch (error) {
      this.#onWorkerEnded(error as Error)
    }
  }

  #onRejected({ reason, remote }: Rejected): void {
    this.#refused++
    this.#reports.rejected(reason, REJECTION_TEXTS[reason], remote)
  }
}

/** The port of the socket that is bound to `host`. */
function portOf(host: string, bound: readonly string[]): number | undefined {
  const sockets = bound.map(parseAddress).filter((address) => address !== undefined)
  return (sockets.find((address) => address.host === host) ?? sockets[0])?.port
}

import { randomBytes } from 'node:crypto'
import type { SecureContext, TLSSocket } from 'node:tls'
import { assert } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'
import { CONNECT_TIMEOUT_MS, MAX_CONCURRENT_CONNECTIONS, MAX_LINK_QUEUE_BYTES, MAX_PEERS } from '../../limits.ts'
import type {
  Channel,
  ChannelHandler,
  ChannelKind,
  Claims,
  Clock,
  ConnectionStats,
  DialTarget,
  IncomingConnections,
  Lane,
  LinkEnd,
  Logger,
  Metrics,
  MistakenDial,
  PeerReport,
  ServedProtocol,
  Timer,
  Transport,
} from '../../ports/index.ts'
import { ChannelTable, INSTANCE_SIZE, LINK_FEATURES, LINK_VERSIONS, LINK_WINDOWS } from '../../wire/index.ts'
import type { LinkWindows, VersionRange } from '../../wire/index.ts'
import { reachableAddresses, remoteOf } from './address.ts'
import type { BackoffOptions } from './backoff.ts'
import { dial } from './dialer.ts'
import type { DialedLink, DialerOptions } from './dialer.ts'
import { DirectPeer } from './direct-peer.ts'
import type { PeerOwner } from './direct-peer.ts'
import {
  acceptHandshake,
  clustersDiffer,
  deriveCookieKey,
  EventQueue,
  HandshakeStream,
  keepAliveMsFor,
  Link,
  LinkError,
  LinkReports,
  refusalError,
  surface,
  systemClock,
} from '../link/index.ts'
import type { HandshakeSelf, LinkOwner, NodeIdentity, ProvenDialer, ProvenPeer } from '../link/index.ts'
import { Listener, REJECTION_TEXTS } from './listener.ts'
import { createResolver } from './resolver.ts'
import type { Resolve } from './resolver.ts'
import { ServedLinks } from '../link/served/index.ts'
import { createLinkContext } from './tls-context.ts'

/** The ALPN name of consensus links. */
export const RAFT_PROTOCOL = 'aspen/raft/1'

/** What suits the election timeouts that nodes have by default. */
export const DEFAULT_KEEP_ALIVE_MS: number = keepAliveMsFor(1_500)
const DEFAULT_BACKOFF: BackoffOptions = { minMs: 50, maxMs: 2_000 }
const MAX_PENDING_CONNECTIONS = 100
/** Members dial every few seconds: one that has not for so long has given up, or was stopped. */
const MISTAKEN_EXPIRY_MS = 60_000

export interface DirectTransportOptions {
  readonly identity: NodeIdentity
  readonly cookie: string
  /** The address to bind: an IP address. */
  readonly host: string
  /** 0 takes any free port; `addresses()` tells which. */
  readonly port: number
  readonly logger: Logger
  readonly metrics: Metrics
  /** Jitter of redials; nonces come from the system. */
  readonly random: Random
  readonly clock?: Clock
  readonly resolve?: Resolve
  /** Between two looks at whether a peer is alive; it is given up after more than three silent ones. */
  readonly keepAliveMs?: number
  readonly backoff?: BackoffOptions
  /** From a connection to a proven link. */
  readonly handshakeTimeoutMs?: number
  readonly maxConnections?: number
  readonly maxPendingConnections?: number
  readonly maxQueueBytes?: number
  /** Of the links of consensus, the same on all nodes. */
  readonly windows?: LinkWindows
  /** Must be the same on all nodes. */
  readonly scryptCost?: number
  /** Of the link protocol, and what of it this node does; those of this program when absent. */
  readonly versions?: VersionRange
  readonly features?: number
  /** Protocols beside consensus that the same accept loop serves. */
  readonly services?: readonly ServedProtocol[]
}

/** What exists between `start` and `close`. */
interface Running {
  readonly listener: Listener
  readonly dialer: DialerOptions
  readonly port: number
}

/**
 * Links over TLS 1.3 on TCP. Every link is made by a handshake that proves both keys and the cookie.
 *
 * Two nodes that dial each other at once end up with one link: whoever has sent its own proof refuses the other's
 * dial when it has the lower endpoint id, and gives its own up when it has the higher. The decision falls at a single
 * moment, before either holds a link, so that no message is ever on a path that is being replaced. A later connection
 * from the same peer means that the peer has lost the link, and is reported as its end and a new beginning.
 */
export class DirectTransport implements Transport {
  readonly endpointId: string
  readonly #options: DirectTransportOptions
  readonly #clock: Clock
  readonly #instance = randomBytes(INSTANCE_SIZE).toString('hex')
  readonly #events = new EventQueue()
  readonly #channels: ChannelTable
  readonly #reports: LinkReports
  readonly #peers = new Map<string, DirectPeer>()
  readonly #connectAtStart = new Map<string, DialTarget>()
  /** Links that ended on purpose and still send what they had. */
  readonly #finishing = new Set<Link>()
  readonly #peerOwner: PeerOwner
  readonly #linkOwner: LinkOwner
  #claims: Claims | undefined
  #running: Running | undefined
  #served: readonly ServedLinks[] = []
  /** Set while it runs, or before. */
  #connectionLimit: number | undefined
  #closed = false
  #keepAlive: Timer | undefined
  #mistaken: { readonly at: number; readonly dial: MistakenDial } | undefined

  constructor(options: DirectTransportOptions) {
    this.endpointId = options.identity.endpointId
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#reports = new LinkReports(options.logger, options.metrics)
    this.#channels = new ChannelTable({
      post: (run) => this.#events.post(run),
      send: (endpointId, kind, parts, lane) => this.#send(endpointId, kind, parts, lane),
      unclaimed: () => this.#reports.unclaimed(),
    })
    this.#peerOwner = {
      clock: this.#clock,
      random: options.random,
      backoff: options.backoff ?? DEFAULT_BACKOFF,
      dial: (target) => dial(this.#started().dialer, target),
      dialed: (peer, linked) => this.#onDialed(peer, linked),
      dialFailed: (peer, error, remote) => this.#onFailed(peer.endpointId, remote, error),
      refused: (peer) => this.#events.post(() => this.#channels.refused(peer.endpointId)),
    }
    this.#linkOwner = {
      message: (link, bytes) => {
        this.#events.drain()
        // What was posted may have ended this link.
        if (this.#peers.get(link.endpointId)?.link === link) this.#channels.message(link.endpointId, bytes)
      },
      claimed: (link, linkClaims) => this.#onClaimed(link, linkClaims),
      ended: (link, end, error) => this.#onEnded(link, end, error),
    }
  }

  async start(claims: Claims): Promise<void> {
    assert(this.#running === undefined && !this.#closed, 'a transport starts once')
    this.#claims = claims
    const { identity, cookie, scryptCost, host } = this.#options
    const cookieKey = await deriveCookieKey(cookie, scryptCost)
    const context = createLinkContext(identity)
    const self: HandshakeSelf = {
      endpointId: this.endpointId,
      instance: this.#instance,
      protocol: RAFT_PROTOCOL,
      cookieKey,
      versions: this.#options.versions ?? LINK_VERSIONS,
      features: this.#options.features ?? LINK_FEATURES,
      claims: () => this.#currentClaims(),
    }
    const timeoutMs = this.#options.handshakeTimeoutMs ?? CONNECT_TIMEOUT_MS
    const listener = this.#createListener(context, timeoutMs)
    listener.route(RAFT_PROTOCOL, (socket, peerId, admit) => surface(this.#onConnection(self, socket, peerId, admit)))
    this.#served = this.#serve(listener, self)
    const port = await listener.listen(host, this.#options.port)
    if (this.#closed) return listener.close()
    const dialer = { context, clock: this.#clock, resolve: this.#options.resolve ?? createResolver(this.#clock), self, timeoutMs }
    this.#running = { listener, dialer, port }
    this.#watchSilence()
    for (const target of this.#connectAtStart.values()) this.connect(target)
    this.#connectAtStart.clear()
  }

  addresses(): readonly string[] {
    return this.#running === undefined ? [] : reachableAddresses(this.#options.host, this.#running.port)
  }

  attach(kind: ChannelKind, handler: ChannelHandler): Channel {
    return this.#channels.attach(kind, handler)
  }

  connect(target: DialTarget): void {
    const { endpointId, addresses } = target
    if (endpointId === this.endpointId || this.#closed) return
    const known: ReadonlyMap<string, unknown> = this.#running === undefined ? this.#connectAtStart : this.#peers
    if (!known.has(endpointId) && known.size >= MAX_PEERS) {
      this.#reports.tooManyPeers(endpointId, MAX_PEERS)
    } else if (this.#running === undefined) this.#connectAtStart.set(endpointId, target)
    else this.#peerOf(endpointId).want(addresses)
  }

  disconnect(endpointId: string): void {
    this.#connectAtStart.delete(endpointId)
    const peer = this.#peers.get(endpointId)
    if (peer === undefined) return
    peer.unwant()
    if (peer.link !== undefined) peer.link.finish()
    else this.#peers.delete(endpointId)
  }

  announce(change: Partial<Claims>): void {
    const claims = { ...this.#currentClaims(), ...change }
    this.#claims = claims
    for (const peer of this.#peers.values()) {
      const { link } = peer
      if (link === undefined) continue
      if (clustersDiffer(claims, link.claims)) this.#partClusters(link)
      else link.announce(claims)
    }
  }

  get incoming(): IncomingConnections {
    const most = this.#options.maxConnections ?? MAX_CONCURRENT_CONNECTIONS
    const stats = (): ConnectionStats =>
      this.#running?.listener.stats ?? { open: 0, pending: 0, max: this.#connectionLimit ?? most, accepted: 0, refused: 0 }
    return {
      get stats() {
        return stats()
      },
      limits: { min: 1, max: most },
      limit: (max) => {
        this.#connectionLimit = max
        this.#running?.listener.limit(max)
      },
    }
  }

  peers(): readonly PeerReport[] {
    return Array.from(this.#peers.values(), (peer) => peer.report())
  }

  mistaken(): MistakenDial | null {
    const { at = -Infinity, dial: last } = this.#mistaken ?? {}
    return last !== undefined && this.#clock.now() < at + MISTAKEN_EXPIRY_MS ? last : null
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#keepAlive?.cancel()
    this.#running?.listener.close()
    const links = [...this.#finishing]
    for (const peer of this.#peers.values()) {
      if (peer.link !== undefined) links.push(peer.link)
      this.disconnect(peer.endpointId)
    }
    await Promise.all([...this.#served.map((served) => served.close()), ...links.map((link) => link.closed())])
  }

  #send(endpointId: string, kind: ChannelKind, parts: readonly Uint8Array[], lane: Lane): boolean {
    const link = this.#peers.get(endpointId)?.link
    if (link === undefined) return false
    if (link.send(parts, lane, kind)) return true
    this.#reports.dropped(lane)
    return false
  }

  #createListener(context: SecureContext, handshakeTimeoutMs: number): Listener {
    return new Listener({
      context,
      clock: this.#clock,
      handshakeTimeoutMs,
      maxConnections: this.#connectionLimit ?? this.#options.maxConnections ?? MAX_CONCURRENT_CONNECTIONS,
      maxPendingConnections: this.#options.maxPendingConnections ?? MAX_PENDING_CONNECTIONS,
      rejected: (reason, remote) => this.#reports.rejected(reason, REJECTION_TEXTS[reason], remote),
    })
  }

  /** One set of links for each further protocol. */
  #serve(listener: Listener, self: HandshakeSelf): readonly ServedLinks[] {
    return (this.#options.services ?? []).map((service) => {
      const own = { ...self, protocol: service.protocol }
      const served = new ServedLinks({ service, self: own, clock: this.#clock, reports: this.#reports })
      listener.route(service.protocol, (socket, peerId, admit) =>
        surface(served.accept({ socket, endpointId: peerId, remote: remoteOf(socket), admit })),
      )
      return served
    })
  }

  async #onConnection(self: HandshakeSelf, socket: TLSSocket, peerId: string, admit: () => void): Promise<void> {
    const stream = new HandshakeStream(socket)
    const remote = remoteOf(socket)
    let dialer: ProvenDialer
    try {
      if (peerId === this.endpointId) throw refusalError('SELF', false)
      dialer = await acceptHandshake(stream, self, peerId)
      this.#decide(dialer)
      if (socket.destroyed) throw new LinkError('ABORTED', 'the peer closed the connection at the end of the handshake')
    } catch (error) {
      if (error instanceof LinkError) stream.refuse(error)
      else socket.destroy()
      this.#noteMistaken(peerId, remote, error)
      this.#onFailed(peerId, remote, error as Error)
      return
    }
    // From the decision to the link nothing is awaited: they are one moment.
    admit()
    this.#adopt(socket, dialer.accept(), false, stream.release())
  }

  /** Who belongs to a cluster tells whom it expects; see the dialer. */
  #noteMistaken(endpointId: string, remote: string | null, error: unknown): void {
    if (!(error instanceof LinkError) || error.code !== 'KEY_MISMATCH' || !error.byPeer || error.detail === '') return
    this.#mistaken = { at: this.#clock.now(), dial: { endpointId, remote, words: error.detail } }
    if (this.#currentClaims().clusterId === null) this.#reports.mistaken({ endpointId, remote, words: error.detail })
  }

  /** Throws when the link of this dialer must not be made. */
  #decide(dialer: ProvenDialer): void {
    if (this.#closed) throw refusalError('STOPPING', false)
    const peer = this.#peers.get(dialer.endpointId)
    const isLower = this.endpointId < dialer.endpointId
    const { link } = peer ?? {}
    if (link === undefined) {
      if (peer?.isProving === true && isLower) throw refusalError('DUPLICATE', false)
      return
    }
    // A restarted peer never comes back as who it was before. Were both served in turn, neither would ever keep its link.
    if (peer?.isFormer(dialer.instance) === true) {
      link.probe()
      throw refusalError('IDENTITY_IN_USE', false)
    }
    // Another life of the peer, a second dial over the link it dialled itself, or one by the lower id, which would
    // have refused this node's: in each case the peer no longer has the link. Otherwise its dial crossed this node's.
    if (link.instance === dialer.instance && link.outbound && isLower) {
      link.probe()
      throw refusalError('DUPLICATE', false)
    }
  }

  #onDialed(peer: DirectPeer, linked: DialedLink): void {
    const { socket, peer: proven, readAhead } = linked
    // This node's claims may have changed since it sent them; the acceptor compared the old ones.
    const differ = clustersDiffer(this.#currentClaims(), proven.claims)
    if (!differ && !socket.destroyed) {
      this.#adopt(socket, proven, true, readAhead)
      return
    }
    const remote = remoteOf(socket)
    socket.on('error', () => undefined).destroy()
    const error = differ
      ? refusalError('CLUSTER_MISMATCH', false)
      : new LinkError('ABORTED', 'the peer closed the new connection')
    this.#onFailed(peer.endpointId, remote, error)
    peer.dialLater()
  }

  #adopt(socket: TLSSocket, proven: ProvenPeer, outbound: boolean, readAhead: Uint8Array): void {
    const { endpointId, claims } = proven
    const peer = this.#peerOf(endpointId)
    this.#replace(peer, proven)
    const { maxQueueBytes = MAX_LINK_QUEUE_BYTES, windows = LINK_WINDOWS } = this.#options
    const ends = { socket, peer: proven, outbound, owner: this.#linkOwner }
    const link = new Link({ ...ends, clock: this.#clock, maxQueueBytes, windows })
    peer.attach(link)
    this.#reports.opened(endpointId, claims, outbound)
    this.#events.post(() => this.#channels.opened({ endpointId, claims }))
    if (proven.saidClaims !== this.#claims) link.announce(this.#currentClaims())
    if (readAhead.length > 0) link.receive(readAhead)
  }

  /** A peer that opens a second link has lost the first, and whatever was on its way over it; not itself, if it is the same life. */
  #replace(peer: DirectPeer, by: ProvenPeer): void {
    const old = peer.link
    if (old === undefined) return
    peer.release(by.instance)
    const end = old.instance === by.instance ? 'moved' : 'lost'
    old.abandon(new LinkError('ABORTED', 'the peer has made a new connection'), end)
    this.#reportClosed(peer.endpointId, end, undefined)
  }

  #onEnded(link: Link, end: LinkEnd, error: Error | undefined): void {
    const peer = this.#peers.get(link.endpointId)
    if (peer?.link !== link) return
    if (end === 'graceful') {
      this.#finishing.add(link)
      surface(link.closed().then(() => this.#finishing.delete(link)))
    }
    this.#reportClosed(link.endpointId, end, error)
    peer.detach(end, error)
    if (!peer.isWanted) this.#peers.delete(link.endpointId)
  }

  #onClaimed(link: Link, claims: Claims): void {
    if (clustersDiffer(this.#currentClaims(), claims)) this.#partClusters(link)
    else this.#events.post(() => this.#channels.claimed({ endpointId: link.endpointId, claims }))
  }

  #partClusters(link: Link): void {
    link.finish({ code: 'CLUSTER_MISMATCH', detail: `${this.#currentClaims().clusterId} and ${link.claims.clusterId}` })
  }

  #reportClosed(endpointId: string, end: LinkEnd, error: Error | undefined): void {
    this.#reports.closed(endpointId, end, error)
    this.#events.post(() => this.#channels.closed(endpointId, end))
  }

  /** An attempt that led to no link, by either side. */
  #onFailed(endpointId: string, remote: string | null, error: Error): void {
    // Two dials that cross are no failure: the other one is the link.
    if (error instanceof LinkError && error.code === 'DUPLICATE') return
    const peer = this.#peers.get(endpointId)
    const attempted = { endpointId, remote, isKnown: peer !== undefined }
    peer?.noteFailure(error)
    if (error instanceof LinkError && error.code === 'IDENTITY_IN_USE') this.#reports.identityInUse(attempted, error)
    else this.#reports.failed(attempted, error)
  }

  #watchSilence(): void {
    this.#keepAlive = this.#clock.setTimer(this.#options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS, () => {
      for (const peer of this.#peers.values()) peer.link?.keepAlive()
      this.#watchSilence()
    })
  }

  #peerOf(endpointId: string): DirectPeer {
    let peer = this.#peers.get(endpointId)
    if (peer === undefined) {
      peer = new DirectPeer(endpointId, this.#peerOwner)
      this.#peers.set(endpointId, peer)
    }
    return peer
  }

  #started(): Running {
    assert(this.#running !== undefined, 'the transport has been started')
    return this.#running
  }

  #currentClaims(): Claims {
    assert(this.#claims !== undefined, 'the transport has been started')
    return this.#claims
  }
}

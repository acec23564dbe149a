import { randomBytes } from 'node:crypto'
import { assert } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'
import { MAX_LINK_QUEUE_BYTES, MAX_PEERS } from '../../limits.ts'
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
  LinkedPeer,
  LinkEnd,
  MistakenDial,
  PeerReport,
  ServedProtocol,
  Timer,
  Transport,
} from '../../ports/index.ts'
import { ChannelTable, INSTANCE_SIZE, LINK_FEATURES, LINK_VERSIONS, LINK_WINDOWS } from '../../wire/index.ts'
import type { LinkWindows, VersionRange } from '../../wire/index.ts'
import {
  acceptHandshake,
  clustersDiffer,
  clustersInWords,
  deriveCookieKey,
  EventQueue,
  HandshakeStream,
  keepAliveMsFor,
  Link,
  LinkError,
  refusalError,
  seenAt,
  surface,
} from '../link/index.ts'
import type {
  Carrier,
  DialedLink,
  DialResult,
  HandshakeSelf,
  KeyedConnection,
  LinkOwner,
  LinkReports,
  ProvenDialer,
  ProvenPeer,
  Routes,
} from '../link/index.ts'
import { ServedLinks } from '../link/served/index.ts'
import type { BackoffOptions } from './backoff.ts'
import { Fallback } from './fallback.ts'
import type { FallbackOptions } from './fallback.ts'
import { PathPeer } from './path-peer.ts'
import type { PeerOwner } from './path-peer.ts'
import { PATH_PROTOCOL, PathProbe, probedPath, STEADY_MS } from './path-probe.ts'

/** The ALPN name of consensus links. */
export const RAFT_PROTOCOL = 'aspen/raft/1'

/** What suits the election timeouts that nodes have by default. */
export const DEFAULT_KEEP_ALIVE_MS: number = keepAliveMsFor(1_500)
const DEFAULT_BACKOFF: BackoffOptions = { minMs: 50, maxMs: 2_000 }
/** Members dial every few seconds: one that has not for so long has given up, or was stopped. */
const MISTAKEN_EXPIRY_MS = 60_000
/** Silent intervals after which another path is tried: fewer than those after which a peer is given up. */
const SILENT_INTERVALS = 2
/** A peer without a link for so long, though it may be there, is one that the first carriers do not reach. */
const NEED_MS = 10_000

export interface PathsTransportOptions {
  readonly endpointId: string
  readonly cookie: string
  readonly reports: LinkReports
  /** Jitter of redials; nonces come from the system. */
  readonly random: Random
  readonly clock: Clock
  /** Between two looks at whether a peer is alive; it is given up after more than three silent ones. */
  readonly keepAliveMs?: number
  readonly backoff?: BackoffOptions
  readonly maxQueueBytes?: number
  /** Of the links of consensus, the same on all nodes. */
  readonly windows?: LinkWindows
  /** Must be the same on all nodes. */
  readonly scryptCost?: number
  /** Of the link protocol, and what of it this node does; those of this program when absent. */
  readonly versions?: VersionRange
  readonly features?: number
  /** Protocols beside consensus that the same accept loops serve. */
  readonly services?: readonly ServedProtocol[]
  /** The ways to reach peers, the best first. The node does not start without them. */
  readonly carriers: readonly Carrier[]
  /** Another one, for peers that these do not reach. */
  readonly fallback?: FallbackOptions
  /** The relay that this node is reached through. */
  readonly relay?: string | null
  /** How long a better path must have worked before a link moves back to it. */
  readonly steadyMs?: number
}

/**
 * Links over whatever carries connections, one for each peer at a time. Every link is made by a handshake that proves both keys and the cookie.
 *
 * Two nodes that dial each other at once end up with one link: whoever has sent its own proof refuses the other's
 * dial when it has the lower endpoint id, and gives its own up when it has the higher. The decision falls at a single
 * moment, before either holds a link, so that no message is ever on a path that is being replaced. A later connection
 * from the same peer means that the peer has lost the link, and is reported as its end and a new beginning.
 *
 * A link moves to another path by being made anew over that: the dialer names the epoch of the link that it holds, so that the other end knows
 * that nothing was lost. Whoever accepts gives the old path up at that moment; the dialer, when it holds the new one. What is on its way over the
 * old path then is dropped at both ends, so that nothing overtakes, and nothing comes twice.
 */
export class PathsTransport implements Transport {
  readonly endpointId: string
  readonly #options: PathsTransportOptions
  readonly #clock: Clock
  readonly #instance = randomBytes(INSTANCE_SIZE).toString('hex')
  readonly #events = new EventQueue()
  readonly #channels: ChannelTable
  readonly #reports: LinkReports
  readonly #peers = new Map<string, PathPeer>()
  readonly #connectAtStart = new Map<string, DialTarget>()
  /** Links that ended on purpose and still send what they had. */
  readonly #finishing = new Set<Link>()
  /** Where the other end of a link is, and who dialled. */
  readonly #ends = new WeakMap<Link, { readonly remote: string | null; readonly outbound: boolean }>()
  readonly #peerOwner: PeerOwner
  readonly #linkOwner: LinkOwner
  #claims: Claims | undefined
  /** What this node brings into handshakes, from its start on. */
  #self: HandshakeSelf | undefined
  #served: ReadonlyMap<string, ServedLinks> = new Map()
  readonly #mostConnections: number
  /** All there are. */
  readonly #carriers: readonly Carrier[]
  #fallback: Fallback | undefined
  /** Of peers whose link does not go over the best of their paths. */
  readonly #probes = new Map<PathPeer, PathProbe>()
  #found: (endpointId: string, address: string) => void = () => undefined
  #closed = false
  #keepAlive: Timer | undefined
  #mistaken: { readonly at: number; readonly dial: MistakenDial } | undefined

  constructor(options: PathsTransportOptions) {
    this.endpointId = options.endpointId
    this.#options = options
    this.#clock = options.clock
    this.#reports = options.reports
    this.#carriers = [...options.carriers, ...(options.fallback === undefined ? [] : [options.fallback.carrier])]
    this.#mostConnections = options.carriers.map((carrier) => carrier.stats).reduce(addStats).max
    this.#channels = new ChannelTable({
      post: (run) => this.#events.post(run),
      send: (endpointId, kind, parts, lane) => this.#send(endpointId, kind, parts, lane),
      unclaimed: () => this.#reports.unclaimed(),
    })
    this.#peerOwner = {
      clock: this.#clock,
      random: options.random,
      backoff: options.backoff ?? DEFAULT_BACKOFF,
      carriersFor: (target) => this.#carriersFor(target),
      dial: (carrier, attempt, replaces) => {
        const self = this.#started()
        return carrier.dial(replaces === undefined ? self : { ...self, replaces: replaces.epoch }, attempt)
      },
      dialed: (peer, carrier, linked) => this.#onDialed(peer, carrier, linked),
      dialFailed: (peer, { error, remote, refused, gone, found }) => {
        const { endpointId } = peer
        for (const { endpointId: other, address } of found) this.#events.post(() => this.#found(other, address))
        this.#onFailed(endpointId, remote, error)
        const isUnreached = !refused && mayBeThePath(error) && peer.unlinkedMs >= NEED_MS
        if (isUnreached && options.fallback?.forUnreached === true) this.#fallback?.need()
        if (gone) this.#events.post(() => this.#channels.refused(endpointId))
      },
      lost: (peer, link, error) => this.#ended(peer, link, 'lost', error),
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
    assert(this.#self === undefined && !this.#closed, 'a transport starts once')
    this.#claims = claims
    const { cookie, scryptCost, carriers, versions = LINK_VERSIONS, features = LINK_FEATURES } = this.#options
    const cookieKey = await deriveCookieKey(cookie, scryptCost)
    const { endpointId } = this
    const terms = { instance: this.#instance, protocol: RAFT_PROTOCOL, cookieKey, versions, features }
    const self: HandshakeSelf = { endpointId, ...terms, claims: () => this.#currentClaims() }
    this.#served = this.#serve(self)
    for (const carrier of carriers) await carrier.start(this.#routesTo(self, carrier))
    if (this.#closed) return
    this.#self = self
    this.#openFallback(self)
    this.#watchSilence()
    for (const target of this.#connectAtStart.values()) this.connect(target)
    this.#connectAtStart.clear()
  }

  addresses(): readonly string[] {
    return this.#options.carriers[0]?.addresses() ?? []
  }

  relay(): string | null {
    return this.#options.relay ?? null
  }

  attach(kind: ChannelKind, handler: ChannelHandler): Channel {
    return this.#channels.attach(kind, handler)
  }

  connect(target: DialTarget): void {
    const { endpointId } = target
    if (endpointId === this.endpointId || this.#closed) return
    const known: ReadonlyMap<string, unknown> = this.#self === undefined ? this.#connectAtStart : this.#peers
    if (!known.has(endpointId) && known.size >= MAX_PEERS) {
      this.#reports.tooManyPeers(endpointId, MAX_PEERS)
    } else if (this.#self === undefined) this.#connectAtStart.set(endpointId, target)
    else this.#want(target)
  }

  #want(target: DialTarget): void {
    this.#peerOf(target.endpointId).want(target)
    const { carriers, fallback } = this.#options
    const isAlone = !carriers.some((carrier) => carrier.reaches(target))
    if (isAlone && fallback?.carrier.reaches(target) === true) this.#fallback?.need()
  }

  disconnect(endpointId: string): void {
    this.#connectAtStart.delete(endpointId)
    const peer = this.#peers.get(endpointId)
    if (peer === undefined) return
    peer.unwant()
    if (peer.link !== undefined && peer.isHeld) this.#ended(peer, peer.link, 'graceful', undefined)
    else if (peer.link !== undefined) peer.link.finish()
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
    const carriers = this.#carriers
    const most = this.#mostConnections
    const stats = (): ConnectionStats => carriers.map((carrier) => carrier.stats).reduce(addStats)
    return {
      get stats() {
        return stats()
      },
      limits: { min: 1, max: most },
      limit: (max) => carriers.forEach((carrier) => carrier.limit(max)),
    }
  }

  peers(): readonly PeerReport[] {
    return Array.from(this.#peers.values(), (peer) => peer.report())
  }

  onFound(told: (endpointId: string, address: string) => void): void {
    this.#found = told
  }

  mistaken(): MistakenDial | null {
    const { at = -Infinity, dial: last } = this.#mistaken ?? {}
    return last !== undefined && this.#clock.now() < at + MISTAKEN_EXPIRY_MS ? last : null
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#keepAlive?.cancel()
    for (const carrier of this.#carriers) carrier.stop()
    for (const probe of this.#probes.values()) probe.stop()
    const links = [...this.#finishing]
    for (const peer of this.#peers.values()) {
      if (peer.link !== undefined) links.push(peer.link)
      this.disconnect(peer.endpointId)
    }
    await Promise.all([...this.#served.values().map((served) => served.close()), ...links.map((link) => link.closed())])
    await Promise.all(this.#carriers.map((carrier) => carrier.close()))
  }

  #send(endpointId: string, kind: ChannelKind, parts: readonly Uint8Array[], lane: Lane): boolean {
    const link = this.#peers.get(endpointId)?.link
    if (link === undefined) return false
    if (link.send(parts, lane, kind)) return true
    this.#reports.dropped(lane)
    return false
  }

  /** One set of links for each further protocol. */
  #serve(self: HandshakeSelf): ReadonlyMap<string, ServedLinks> {
    const served = (service: ServedProtocol): ServedLinks => {
      const own = { ...self, protocol: service.protocol }
      return new ServedLinks({ service, self: own, clock: this.#clock, reports: this.#reports })
    }
    const { services = [], fallback } = this.#options
    const all = fallback === undefined ? services : [...services, probedPath(this.#keepAliveMs)]
    return new Map(all.map((service) => [service.protocol, served(service)]))
  }

  #routesTo(self: HandshakeSelf, carrier: Carrier): Routes {
    const routes = new Map<string, (connection: KeyedConnection) => void>()
    for (const [protocol, served] of this.#served) routes.set(protocol, (connection) => surface(served.accept(connection)))
    return routes.set(RAFT_PROTOCOL, (connection) => surface(this.#onConnection(self, carrier, connection)))
  }

  async #onConnection(self: HandshakeSelf, carrier: Carrier, connection: KeyedConnection): Promise<void> {
    const { socket, endpointId: peerId, remote, admit } = connection
    const stream = new HandshakeStream(socket)
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
    const peer = dialer.accept()
    this.#adopt(carrier, { socket, peer, remote, readAhead: stream.release() }, false)
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
    // The peer holds the very link, and moves it to another path. Of two that would do so at once, the lower id's goes on, as above.
    if (link.instance === dialer.instance && link.epoch === dialer.replaces) {
      if (peer?.isProving === true && isLower) throw refusalError('DUPLICATE', false)
      return
    }
    // Another life of the peer, a second dial over the link it dialled itself, or one by the lower id, which would
    // have refused this node's: in each case the peer no longer has the link. Otherwise its dial crossed this node's.
    if (link.instance === dialer.instance && link.outbound && isLower) {
      link.probe()
      throw refusalError('DUPLICATE', false)
    }
  }

  #onDialed(peer: PathPeer, carrier: Carrier, linked: DialedLink): void {
    const { socket, peer: proven, remote } = linked
    // This node's claims may have changed since it sent them; the acceptor compared the old ones.
    const own = this.#currentClaims()
    const differ = clustersDiffer(own, proven.claims)
    if (!differ && !socket.destroyed) {
      this.#adopt(carrier, linked, true)
      return
    }
    socket.on('error', () => undefined).destroy()
    const error = differ
      ? refusalError('CLUSTER_MISMATCH', false, clustersInWords(own, proven.claims))
      : new LinkError('ABORTED', 'the peer closed the new connection')
    this.#onFailed(peer.endpointId, remote, error)
    peer.dialLater()
  }

  #adopt(carrier: Carrier, { socket, peer: proven, remote, readAhead }: DialedLink, outbound: boolean): void {
    const { endpointId, claims } = proven
    const peer = this.#peerOf(endpointId)
    this.#replace(peer, proven)
    const { maxQueueBytes = MAX_LINK_QUEUE_BYTES, windows = LINK_WINDOWS } = this.#options
    const ends = { socket, peer: proven, outbound, owner: this.#linkOwner }
    const link = new Link({ ...ends, clock: this.#clock, maxQueueBytes, windows })
    peer.attach(link, carrier, () => carrier.pathOf(socket))
    this.#probeBetterPath(peer, carrier)
    this.#reports.opened(endpointId, claims, { outbound, path: carrier.pathOf(socket) })
    this.#ends.set(link, { remote: carrier.name === 'direct' ? remote : null, outbound })
    this.#events.post(() => this.#channels.opened(this.#linkedPeer(link, claims)))
    if (proven.saidClaims !== this.#claims) link.announce(this.#currentClaims())
    if (readAhead.length > 0) link.receive(readAhead)
  }

  /** A peer that opens a second link has lost the first, and whatever was on its way over it; not itself, if it is the same life. */
  #replace(peer: PathPeer, by: ProvenPeer): void {
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
    if (end === 'lost' && error !== undefined && peer.hold(link, error)) return
    if (end === 'graceful') {
      this.#finishing.add(link)
      surface(link.closed().then(() => this.#finishing.delete(link)))
    }
    this.#ended(peer, link, end, error)
  }

  #ended(peer: PathPeer, link: Link, end: LinkEnd, error: Error | undefined): void {
    this.#reportClosed(link.endpointId, end, error)
    this.#stopProbe(peer)
    peer.detach(end, error)
    if (!peer.isWanted) this.#peers.delete(link.endpointId)
  }

  #onClaimed(link: Link, claims: Claims): void {
    if (clustersDiffer(this.#currentClaims(), claims)) this.#partClusters(link)
    else this.#events.post(() => this.#channels.claimed(this.#linkedPeer(link, claims)))
  }

  #linkedPeer(link: Link, claims: Claims): LinkedPeer {
    const { endpointId } = link
    const { remote = null, outbound = false } = this.#ends.get(link) ?? {}
    return { endpointId, claims, seenAt: seenAt(remote, claims.addresses, outbound) }
  }

  #partClusters(link: Link): void {
    link.finish({ code: 'CLUSTER_MISMATCH', detail: clustersInWords(this.#currentClaims(), link.claims) })
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
    this.#keepAlive = this.#clock.setTimer(this.#keepAliveMs, () => {
      for (const peer of this.#peers.values()) {
        peer.link?.keepAlive()
        if ((peer.link?.silentIntervals ?? 0) >= SILENT_INTERVALS) this.#avoidSilence(peer)
      }
      for (const probe of this.#probes.values()) probe.look()
      this.#watchSilence()
    })
  }

  // --- More paths than one ---

  get #keepAliveMs(): number {
    return this.#options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS
  }

  #openFallback(self: HandshakeSelf): void {
    const { fallback } = this.#options
    if (fallback === undefined) return
    const { carrier, atStart } = fallback
    const start = (): Promise<void> => carrier.start(this.#routesTo(self, carrier))
    this.#fallback = new Fallback(carrier, this.#clock, this.#reports, start, () => {
      for (const peer of this.#peers.values()) peer.carriersChanged()
    })
    if (atStart) this.#fallback.need()
  }

  #carriersFor(target: DialTarget): readonly Carrier[] {
    const started = this.#fallback?.isStarted === true ? this.#carriers : this.#options.carriers
    return started.filter((carrier) => carrier.reaches(target))
  }

  /** Before a silent peer is given up, and its link with it, another path is tried beside the one in use. */
  #avoidSilence(peer: PathPeer): void {
    if (peer.target === null) return
    const other = this.#carriersFor(peer.target).find((carrier) => carrier !== peer.carrier)
    if (other !== undefined) peer.replaceBy(other)
  }

  #probeBetterPath(peer: PathPeer, carrier: Carrier): void {
    this.#stopProbe(peer)
    const [best] = this.#options.carriers
    if (best === undefined || carrier === best || this.#fallback === undefined) return
    const { random, steadyMs = STEADY_MS } = this.#options
    const dial = async (signal: AbortSignal): Promise<DialResult> => {
      const { target, endpointId } = peer
      const attempt = { endpointId, signal, beforeProof: () => undefined, addresses: [], relay: null, ...target }
      return await best.dial({ ...this.#started(), protocol: PATH_PROTOCOL }, attempt)
    }
    const steady = (): void => void peer.replaceBy(best)
    this.#probes.set(peer, new PathProbe({ clock: this.#clock, random, steadyMs, dial, steady }))
  }

  #stopProbe(peer: PathPeer): void {
    this.#probes.get(peer)?.stop()
    this.#probes.delete(peer)
  }

  #peerOf(endpointId: string): PathPeer {
    let peer = this.#peers.get(endpointId)
    if (peer === undefined) {
      peer = new PathPeer(endpointId, this.#peerOwner)
      this.#peers.set(endpointId, peer)
    }
    return peer
  }

  #started(): HandshakeSelf {
    assert(this.#self !== undefined, 'the transport has been started')
    return this.#self
  }

  #currentClaims(): Claims {
    assert(this.#claims !== undefined, 'the transport has been started')
    return this.#claims
  }
}

/** Whether a peer may well be there, and only not be reached. */
function mayBeThePath(error: Error): boolean {
  return !(error instanceof LinkError) || ['TIMEOUT', 'STALLED', 'ABORTED', 'SILENT'].includes(error.code)
}

/** Of all carriers; the bound is one for each, and the same. */
function addStats(a: ConnectionStats, b: ConnectionStats): ConnectionStats {
  return {
    open: a.open + b.open,
    pending: a.pending + b.pending,
    max: a.max,
    accepted: a.accepted + b.accepted,
    refused: a.refused + b.refused,
  }
}

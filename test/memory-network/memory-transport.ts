import { assert } from '../../src/lib/index.ts'
import { MAX_LINK_QUEUE_BYTES, MAX_RPC_MESSAGE_SIZE } from '../../src/limits.ts'
import type {
  Channel,
  ChannelHandler,
  ChannelKind,
  Claims,
  DialTarget,
  Lane,
  LinkEnd,
  PeerReport,
  Timer,
  Transport,
} from '../../src/ports/index.ts'
import { ATTENDANCE_CHANNEL } from '../../src/ports/index.ts'
import { ChannelTable } from '../../src/wire/index.ts'
import { clustersDiffer } from '../../src/net/link/handshake.ts'
import type { LinkError } from '../../src/net/link/link-error.ts'
import { describeFailure, refusalError } from '../../src/net/link/link-error.ts'
import { MemoryPipe } from './memory-link.ts'
import type { MemoryItem } from './memory-link.ts'
import type { MemoryNetwork } from './memory-network.ts'

export interface MemoryTransportOptions {
  readonly endpointId: string
  readonly cookie: string
  readonly redialMs?: number
  readonly maxQueueBytes?: number
}

/** One side's view of a link. */
interface MemoryLink {
  readonly peer: MemoryTransport
  readonly outgoing: MemoryPipe
  readonly incoming: MemoryPipe
  claims: Claims
}

interface KnownPeer {
  /** Null when no link is wanted. */
  addresses: readonly string[] | null
  link: MemoryLink | undefined
  redial: Timer | undefined
  lost: boolean
  lastError: string | null
}

const DEFAULT_REDIAL_MS = 20

/** A node of a {@link MemoryNetwork}. */
export class MemoryTransport implements Transport {
  readonly endpointId: string
  readonly #network: MemoryNetwork
  readonly #address: string
  readonly #options: MemoryTransportOptions
  readonly #peers = new Map<string, KnownPeer>()
  readonly #channels: ChannelTable
  /** Called after a message was handed to a link, or to none; without the number of its channel. */
  onSent: (to: string, parts: readonly Uint8Array[], kind: ChannelKind) => void = () => undefined
  /** Messages on channels that nobody was attached to. */
  unclaimed = 0
  #started = false
  #claims: Claims | undefined
  #closed = false
  #killed = false

  constructor(network: MemoryNetwork, address: string, options: MemoryTransportOptions) {
    this.endpointId = options.endpointId
    this.#network = network
    this.#address = address
    this.#options = options
    this.#channels = new ChannelTable({
      post: (run) => this.#post(run),
      send: (to, kind, parts, lane) => {
        const sent = this.#send(to, kind, parts, lane)
        // Who takes part in a channel is no word of those who do.
        if (kind.id !== ATTENDANCE_CHANNEL.id) this.onSent(to, parts.slice(1), kind)
        return sent
      },
      unclaimed: () => void this.unclaimed++,
    })
  }

  attach(kind: ChannelKind, handler: ChannelHandler): Channel {
    return this.#channels.attach(kind, handler)
  }

  async start(claims: Claims): Promise<void> {
    assert(!this.#started && !this.#closed, 'a transport starts once')
    this.#started = true
    this.#claims = claims
    this.#network.listen(this.#address, this)
    for (const endpointId of this.#peers.keys()) this.#dialSoon(endpointId, 0)
  }

  addresses(): readonly string[] {
    return this.#started ? [this.#address] : []
  }

  connect({ endpointId, addresses }: DialTarget): void {
    if (endpointId === this.endpointId || this.#closed) return
    const peer = this.#peerOf(endpointId)
    peer.addresses = [...addresses]
    if (peer.link === undefined) this.#dialSoon(endpointId, 0)
  }

  disconnect(endpointId: string): void {
    const peer = this.#peers.get(endpointId)
    if (peer === undefined) return
    peer.addresses = null
    peer.redial?.cancel()
    if (peer.link === undefined) this.#peers.delete(endpointId)
    else this.#finish(endpointId, peer.link)
  }

  #send(endpointId: string, kind: ChannelKind, parts: readonly Uint8Array[], lane: Lane): boolean {
    const link = this.#peers.get(endpointId)?.link
    if (link === undefined) return false
    const size = parts.reduce((sum, part) => sum + part.length, 0)
    assert(size <= MAX_RPC_MESSAGE_SIZE + 1, `a message of ${size} bytes; at most ${MAX_RPC_MESSAGE_SIZE} fit a link`)
    const sent = link.outgoing.send(parts, lane, kind)
    if (sent) link.peer.deliverSoon(this.endpointId)
    return sent
  }

  announce(change: Partial<Claims>): void {
    const claims = { ...this.#currentClaims(), ...change }
    this.#claims = claims
    for (const [endpointId, { link }] of this.#peers) {
      if (link === undefined) continue
      if (clustersDiffer(claims, link.claims)) {
        this.#finish(endpointId, link, refusalError('CLUSTER_MISMATCH', false))
        continue
      }
      link.outgoing.announce(claims)
      link.peer.deliverSoon(this.endpointId)
    }
  }

  peers(): readonly PeerReport[] {
    return Array.from(this.#peers, ([endpointId, { link, lastError }]) => {
      const [state, path] = link === undefined ? (['waiting', null] as const) : (['connected', 'direct'] as const)
      return { endpointId, state, claims: link?.claims ?? null, lastError, path }
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const endpointId of this.#peers.keys()) this.disconnect(endpointId)
    this.#network.unlisten(this.#address)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#network.clock.defer(resolve)
    await promise
  }

  /** Ends this node without a word to anyone, itself included. */
  crash(): void {
    this.#closed = true
    this.#killed = true
    this.#network.unlisten(this.#address)
    for (const [endpointId, peer] of this.#peers) {
      peer.redial?.cancel()
      peer.addresses = null
      const { link } = peer
      this.#peers.delete(endpointId)
      link?.peer.linkLost(this.endpointId)
    }
  }

  /** Loses the link on both sides. */
  loseLink(endpointId: string): void {
    const link = this.#peers.get(endpointId)?.link
    if (link === undefined) return
    this.linkLost(endpointId)
    link.peer.linkLost(this.endpointId)
  }

  /** Loses this side of a link. */
  linkLost(endpointId: string): void {
    if (this.#peers.get(endpointId)?.link !== undefined) this.#ended(endpointId, 'lost', undefined)
  }

  /** Why this node does not take that dialer, or undefined. Both sides remember a refusal. */
  refusalFor(dialer: MemoryTransport): LinkError | undefined {
    const code =
      this.#options.cookie !== dialer.#options.cookie
        ? 'COOKIE_MISMATCH'
        : clustersDiffer(this.#currentClaims(), dialer.#currentClaims())
          ? 'CLUSTER_MISMATCH'
          : undefined
    if (code === undefined) return undefined
    const known = this.#peers.get(dialer.endpointId)
    if (known !== undefined) known.lastError = describeFailure(refusalError(code, false))
    return refusalError(code, true)
  }

  /** Takes in, in a later turn, what a peer has sent. */
  deliverSoon(from: string): void {
    const link = this.#peers.get(from)?.link
    if (link !== undefined) this.#network.clock.defer(() => this.#deliver(from, link))
  }

  #deliver(from: string, link: MemoryLink): void {
    // A message may make its receiver end the link.
    while (this.#peers.get(from)?.link === link) {
      const item = link.incoming.receive()
      if (item === undefined) return
      this.#take(from, link, item)
    }
  }

  #take(from: string, link: MemoryLink, item: MemoryItem): void {
    if (item.kind === 'message') this.#report(() => this.#channels.message(from, item.bytes))
    else if (item.kind === 'goodbye') {
      this.#ended(from, 'graceful', item.reason === undefined ? undefined : refusalError(item.reason.code, true))
    } else {
      link.claims = item.claims
      this.#report(() => this.#channels.claimed({ endpointId: from, claims: item.claims }))
    }
  }

  /** In order with everything else that is reported, and never from inside a call. */
  #post(run: () => void): void {
    this.#network.clock.defer(() => this.#report(run))
  }

  /** A node that was killed hears nothing more. */
  #report(run: () => void): void {
    if (!this.#killed) run()
  }

  #finish(endpointId: string, link: MemoryLink, error?: LinkError): void {
    link.outgoing.finish(error === undefined ? undefined : { code: 'CLUSTER_MISMATCH', detail: '' })
    link.peer.deliverSoon(this.endpointId)
    this.#ended(endpointId, 'graceful', error)
  }

  #ended(endpointId: string, end: LinkEnd, error: Error | undefined): void {
    const peer = this.#peerOf(endpointId)
    peer.link = undefined
    peer.lost = end === 'lost'
    if (error !== undefined) peer.lastError = describeFailure(error)
    this.#post(() => this.#channels.closed(endpointId, end))
    if (peer.addresses === null) this.#peers.delete(endpointId)
    else this.#dialSoon(endpointId, end === 'lost' ? 0 : this.#redialMs)
  }

  get #redialMs(): number {
    return this.#options.redialMs ?? DEFAULT_REDIAL_MS
  }

  #dialSoon(endpointId: string, delayMs: number): void {
    const peer = this.#peers.get(endpointId)
    if (peer === undefined || !this.#started) return
    peer.redial?.cancel()
    peer.redial = this.#network.clock.setTimer(delayMs, () => this.#dial(endpointId, peer))
  }

  #dial(endpointId: string, peer: KnownPeer): void {
    if (this.#closed || peer.link !== undefined || peer.addresses === null || peer.addresses.length === 0) return
    const result = this.#network.dial(this, endpointId, peer.addresses)
    if (result instanceof MemoryTransport) {
      const maxBytes = this.#options.maxQueueBytes ?? MAX_LINK_QUEUE_BYTES
      const [there, back] = [new MemoryPipe(maxBytes), new MemoryPipe(maxBytes)]
      this.#attach({ peer: result, outgoing: there, incoming: back, claims: result.#currentClaims() })
      result.#attach({ peer: this, outgoing: back, incoming: there, claims: this.#currentClaims() })
      return
    }
    peer.lastError = describeFailure(result.error)
    if (result.refused && peer.lost) this.#post(() => this.#channels.refused(endpointId))
    this.#dialSoon(endpointId, this.#redialMs)
  }

  #attach(link: MemoryLink): void {
    const { endpointId } = link.peer
    // The other side may know before this one that the last link is gone.
    const old = this.#peers.get(endpointId)?.link
    if (old !== undefined) this.#ended(endpointId, old.peer === link.peer ? 'moved' : 'lost', undefined)
    const peer = this.#peerOf(endpointId)
    peer.redial?.cancel()
    Object.assign(peer, { link, lost: false, lastError: null })
    const { claims } = link
    this.#post(() => this.#channels.opened({ endpointId, claims }))
  }

  #peerOf(endpointId: string): KnownPeer {
    let peer = this.#peers.get(endpointId)
    if (peer === undefined) {
      peer = { addresses: null, link: undefined, redial: undefined, lost: false, lastError: null }
      this.#peers.set(endpointId, peer)
    }
    return peer
  }

  #currentClaims(): Claims {
    assert(this.#claims !== undefined, 'the transport has been started')
    return this.#claims
  }
}

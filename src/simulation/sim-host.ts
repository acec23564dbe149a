/** One life of a node on the simulated network: the peers it keeps links to, and the links it has. */
import { LANGUAGE } from '../commands/index.ts'
import { concatBytes } from '../lib/index.ts'
import type { Channel, ChannelHandler, ChannelKind, Claims, LinkedPeer, LinkEnd, PeerReport } from '../ports/index.ts'
import { ChannelTable } from '../wire/index.ts'
import type { Life } from './life.ts'
import { fit } from './sim-connection.ts'
import type { Connection, Endpoint } from './sim-connection.ts'
import type { SimNetwork } from './sim-network.ts'

interface WantedPeer {
  dialing: boolean
  /** The last link ended without a word: a refused dial is worth telling. */
  lost: boolean
  lastError: string | null
}

interface SimLink {
  readonly connection: Connection
  claims: Claims
}

/** As real links say it: the code, then words. */
const DIAL_ERRORS = {
  refused: 'ECONNREFUSED: nobody listens there',
  unreachable: 'ETIMEDOUT: nobody answers',
  stalled: 'STALLED: the peer took the connection, and did not finish the handshake in time',
  mismatch: 'CLUSTER_MISMATCH: the nodes belong to different clusters',
} as const

export class SimHost implements Endpoint {
  readonly endpointId: string
  readonly life: Life
  claims: Claims = { nodeId: 0, clusterId: null, addresses: [], languageVersion: LANGUAGE.version }
  readonly #network: SimNetwork
  readonly #wanted = new Map<string, WantedPeer>()
  readonly #links = new Map<string, SimLink>()
  readonly #channels: ChannelTable
  #started = false

  constructor(network: SimNetwork, endpointId: string, life: Life) {
    this.#network = network
    this.endpointId = endpointId
    this.life = life
    this.#channels = new ChannelTable({
      post: (run) => void life.after(0, run),
      send: (peer, kind, parts, lane) =>
        !life.affects() || (this.#links.get(peer)?.connection.send(this, concatBytes(parts), lane, kind) ?? false),
      unclaimed: () => void network.counters.unclaimed++,
    })
  }

  attach(kind: ChannelKind, handler: ChannelHandler): Channel {
    return this.#channels.attach(kind, handler)
  }

  start(claims: Claims): void {
    this.#started = true
    this.claims = claims
    for (const peer of this.#wanted.keys()) this.#dialSoon(peer, 0)
  }

  connect(peer: string): void {
    if (peer === this.endpointId || this.#wanted.has(peer)) return
    this.#wanted.set(peer, { dialing: false, lost: false, lastError: null })
    if (this.#started) this.#dialSoon(peer, 0)
  }

  disconnect(peer: string): void {
    this.#wanted.delete(peer)
    const connection = this.#links.get(peer)?.connection
    if (connection === undefined) return
    this.#links.delete(peer)
    connection.finish(this, this.#network.latencyMs())
    this.life.after(0, () => this.#report(() => this.#channels.closed(peer, 'graceful')))
  }

  announce(change: Partial<Claims>): void {
    const claims = { ...this.claims, ...change }
    this.claims = claims
    for (const link of this.#links.values()) {
      if (fit(claims, link.claims)) link.connection.announce(this)
      else link.connection.close('graceful', () => this.#network.latencyMs())
    }
  }

  peers(): readonly PeerReport[] {
    const known = new Set([...this.#wanted.keys(), ...this.#links.keys()])
    return [...known].map((endpointId) => {
      const link = this.#links.get(endpointId)
      const wanted = this.#wanted.get(endpointId)
      const state = link !== undefined ? 'connected' : wanted?.dialing === true ? 'dialing' : 'waiting'
      const path = link === undefined ? null : 'direct'
      return { endpointId, state, claims: link?.claims ?? null, lastError: wanted?.lastError ?? null, path }
    })
  }

  close(): void {
    this.#wanted.clear()
    for (const link of this.#links.values()) link.connection.close('graceful', () => this.#network.latencyMs())
    this.#links.clear()
    this.#started = false
  }

  opened(connection: Connection, peer: LinkedPeer): void {
    if (!fit(this.claims, peer.claims)) {
      connection.close('graceful', () => this.#network.latencyMs())
      return
    }
    // A peer that came back before this side missed it: the old link is gone.
    const old = this.#links.get(peer.endpointId)?.connection
    old?.closeAt(this, old.lifeBeyond(this) === connection.lifeBeyond(this) ? 'moved' : 'lost')
    this.#links.set(peer.endpointId, { connection, claims: peer.claims })
    const wanted = this.#wanted.get(peer.endpointId)
    if (wanted !== undefined) {
      wanted.lost = false
      wanted.lastError = null
    }
    this.#report(() => this.#channels.opened(peer))
  }

  claimed(peer: LinkedPeer): void {
    const link = this.#links.get(peer.endpointId)
    if (link === undefined) return
    link.claims = peer.claims
    if (fit(this.claims, peer.claims)) this.#report(() => this.#channels.claimed(peer))
    else link.connection.close('graceful', () => this.#network.latencyMs())
  }

  closed(connection: Connection, peer: string, end: LinkEnd): void {
    if (this.#links.get(peer)?.connection !== connection) return
    this.#links.delete(peer)
    const wanted = this.#wanted.get(peer)
    if (wanted !== undefined) {
      wanted.lost = end === 'lost'
      this.#dialSoon(peer, 0)
    }
    this.#report(() => this.#channels.closed(peer, end))
  }

  message(peer: string, bytes: Uint8Array): void {
    this.#report(() => this.#channels.message(peer, bytes))
  }

  #dialSoon(peer: string, pauseMs: number): void {
    const wanted = this.#wanted.get(peer)
    if (wanted === undefined || wanted.dialing) return
    wanted.dialing = true
    this.life.after(pauseMs + this.#network.latencyMs(), () => this.#dial(peer, wanted))
  }

  /** Who has closed its end of the network hears no more of it. */
  #report(tell: () => void): void {
    if (this.#started) tell()
  }

  /** Who misses the hint has missed it for good: it has to find out by itself. */
  #hint(peer: string, wanted: WantedPeer): void {
    if (this.#network.hintArrives()) this.#report(() => this.#channels.refused(peer))
    else wanted.lost = false
  }

  #dial(peer: string, wanted: WantedPeer): void {
    wanted.dialing = false
    if (this.#wanted.get(peer) !== wanted || !this.#started || this.#links.has(peer)) return
    const outcome = this.#network.dial(this, peer)
    if (outcome !== 'linked') {
      wanted.lastError = DIAL_ERRORS[outcome]
      if (outcome === 'refused' && wanted.lost) this.#hint(peer, wanted)
    }
    // Also after success: the other side may vanish before the link opens here.
    this.#dialSoon(peer, this.#network.redialMs())
  }
}

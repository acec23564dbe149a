/** One life of a node on the simulated network: the peers it keeps links to, and the links it has. */
import type { Claims, Lane, LinkedPeer, LinkEnd, PeerReport, TransportHandler } from '../ports/index.ts'
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

interface Link {
  readonly connection: Connection
  claims: Claims
}

export class SimHost implements Endpoint {
  readonly endpointId: string
  readonly life: Life
  claims: Claims = { nodeId: 0, clusterId: null, addresses: [] }
  readonly #network: SimNetwork
  readonly #wanted = new Map<string, WantedPeer>()
  readonly #links = new Map<string, Link>()
  #handler: TransportHandler | null = null

  constructor(network: SimNetwork, endpointId: string, life: Life) {
    this.#network = network
    this.endpointId = endpointId
    this.life = life
  }

  start(handler: TransportHandler, claims: Claims): void {
    this.#handler = handler
    this.claims = claims
    for (const peer of this.#wanted.keys()) this.#dialSoon(peer, 0)
  }

  connect(peer: string): void {
    if (peer === this.endpointId || this.#wanted.has(peer)) return
    this.#wanted.set(peer, { dialing: false, lost: false, lastError: null })
    if (this.#handler !== null) this.#dialSoon(peer, 0)
  }

  disconnect(peer: string): void {
    this.#wanted.delete(peer)
    this.#links.get(peer)?.connection.close('graceful', () => this.#network.latencyMs())
  }

  send(peer: string, bytes: Uint8Array, lane: Lane): boolean {
    return !this.life.affects() || (this.#links.get(peer)?.connection.send(this, bytes, lane) ?? false)
  }

  announce(claims: Claims): void {
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
      return { endpointId, state, claims: link?.claims ?? null, lastError: wanted?.lastError ?? null }
    })
  }

  close(): void {
    this.#wanted.clear()
    for (const link of this.#links.values()) link.connection.close('graceful', () => this.#network.latencyMs())
    this.#links.clear()
    this.#handler = null
  }

  opened(connection: Connection, peer: LinkedPeer): void {
    if (!fit(this.claims, peer.claims)) {
      connection.close('graceful', () => this.#network.latencyMs())
      return
    }
    // A peer that came back before this side missed it: the old link is gone.
    this.#links.get(peer.endpointId)?.connection.closeAt(this, 'lost')
    this.#links.set(peer.endpointId, { connection, claims: peer.claims })
    const wanted = this.#wanted.get(peer.endpointId)
    if (wanted !== undefined) {
      wanted.lost = false
      wanted.lastError = null
    }
    this.#handler?.opened(peer)
  }

  claimed(peer: LinkedPeer): void {
    const link = this.#links.get(peer.endpointId)
    if (link === undefined) return
    link.claims = peer.claims
    if (fit(this.claims, peer.claims)) this.#handler?.claimed(peer)
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
    this.#handler?.closed(peer, end)
  }

  message(peer: string, bytes: Uint8Array): void {
    this.#handler?.message(peer, bytes)
  }

  #dialSoon(peer: string, pauseMs: number): void {
    const wanted = this.#wanted.get(peer)
    if (wanted === undefined || wanted.dialing) return
    wanted.dialing = true
    this.life.after(pauseMs + this.#network.latencyMs(), () => this.#dial(peer, wanted))
  }

  /** Who misses the hint has missed it for good: it has to find out by itself. */
  #hint(peer: string, wanted: WantedPeer): void {
    if (this.#network.hintArrives()) this.#handler?.refused(peer)
    else wanted.lost = false
  }

  #dial(peer: string, wanted: WantedPeer): void {
    wanted.dialing = false
    if (this.#wanted.get(peer) !== wanted || this.#handler === null || this.#links.has(peer)) return
    const outcome = this.#network.dial(this, peer)
    if (outcome !== 'linked') {
      wanted.lastError = { refused: 'ECONNREFUSED', unreachable: 'ETIMEDOUT', mismatch: 'CLUSTER_MISMATCH' }[outcome]
      if (outcome === 'refused' && wanted.lost) this.#hint(peer, wanted)
    }
    // Also after success: the other side may vanish before the link opens here.
    this.#dialSoon(peer, this.#network.redialMs())
  }
}

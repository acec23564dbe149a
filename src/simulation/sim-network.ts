/**
 * The network between simulated nodes. Hosts come and go with the lives of their processes; paths are cut and healed,
 * each direction by itself; links are opened by whoever was told to connect and end when a keep-alive stays unanswered.
 */
import { fail, chance, randomBetween } from '../lib/index.ts'
import type { Random } from '../lib/index.ts'
import type { Lane, Transport } from '../ports/index.ts'
import type { Life } from './life.ts'
import type { Scheduler } from './scheduler.ts'
import { Connection, fit } from './sim-connection.ts'
import type { Endpoint, Medium, NetworkCounters, NetworkProfile } from './sim-connection.ts'
import { SimHost } from './sim-host.ts'

export const RELIABLE_NETWORK: NetworkProfile = {
  latencyMinMs: 0.1,
  latencyMaxMs: 2,
  bytesPerMs: 0,
  keepAliveMinMs: 100,
  keepAliveMaxMs: 400,
  redialMinMs: 5,
  redialMaxMs: 60,
  missedHint: 0,
  loss: 0,
  duplication: 0,
  reordering: 0,
}

/** As many as a name of a host has room for. */
const HOST_DIGITS = 32

/** How a process ended, as its peers see it: the kernel closes its sockets and refuses new ones, or nobody answers. */
export type CrashKind = 'killed' | 'power-cut'

export class SimNetwork implements Medium {
  profile: NetworkProfile
  readonly random: Random
  readonly counters: NetworkCounters = {
    messages: 0,
    bytes: 0,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    linksOpened: 0,
    linksLost: 0,
    unclaimed: 0,
    refusals: 0,
    missedHints: 0,
    slowed: 0,
    queued: 0,
  }
  readonly #scheduler: Scheduler
  readonly #onDelivery: (from: string, to: string, lane: Lane, bytes: Uint8Array) => void
  /** Which messages a network that doubles them may double. */
  mayDouble: (bytes: Uint8Array) => boolean = () => true
  readonly #hosts = new Map<string, SimHost>()
  /** Machines that run, if without the process: their ports refuse. */
  readonly #powered = new Set<string>()
  readonly #cuts = new Set<string>()
  readonly #slow = new Map<string, number>()
  readonly #caps = new Map<string, number>()
  #connections: Connection[] = []

  constructor(
    scheduler: Scheduler,
    random: Random,
    profile: NetworkProfile,
    onDelivery: (from: string, to: string, lane: Lane, bytes: Uint8Array) => void = () => undefined,
  ) {
    this.#scheduler = scheduler
    this.random = random
    this.profile = profile
    this.#onDelivery = onDelivery
  }

  /** A machine has gone with its address: nobody will answer there again. */
  retire(endpointId: string): void {
    this.#powered.delete(endpointId)
  }

  /** The network as one life of a node sees it. The address of a node is made of its endpoint id. */
  attach(endpointId: string, life: Life): Transport {
    const host = new SimHost(this, endpointId, life)
    return {
      endpointId,
      start: (claims) => {
        if (this.#hosts.get(endpointId)?.life.alive === true) fail(`${endpointId} is already on the network`)
        this.#powered.add(endpointId)
        this.#hosts.set(endpointId, host)
        host.start(claims)
        return Promise.resolve()
      },
      addresses: () => [`${endpointId.slice(-HOST_DIGITS)}.sim:1`],
      attach: (kind, handler) => host.attach(kind, handler),
      connect: ({ endpointId: peer }) => host.connect(peer),
      disconnect: (peer) => host.disconnect(peer),
      announce: (change) => {
        if (life.alive) host.announce(change)
      },
      peers: () => host.peers(),
      close: () => {
        host.close()
        this.#hosts.delete(endpointId)
        return Promise.resolve()
      },
    }
  }

  /** A process has died: its peers find out, sooner or later. */
  crashed(endpointId: string, kind: CrashKind): void {
    this.#hosts.delete(endpointId)
    if (kind === 'power-cut') this.#powered.delete(endpointId)
    for (const connection of this.#connectionsOf(endpointId)) {
      connection.close('lost', () => (kind === 'killed' ? this.latencyMs() : this.#keepAliveMs()))
    }
  }

  /** A process stands still: its links live on until the keep-alives of the others stay unanswered for too long. */
  paused(endpointId: string): void {
    const life = this.#hosts.get(endpointId)?.life
    if (life === undefined) return
    const { pauses } = life
    for (const connection of this.#connectionsOf(endpointId)) {
      this.#scheduler.after(this.#keepAliveMs(), () => {
        if (life.paused && life.pauses === pauses) connection.close('lost', () => 0)
      })
    }
  }

  /** Messages from one to the other vanish; a link that needs this path ends when its keep-alive does. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`)
    // Where single messages are lost as a matter of course, nobody takes silence for an end.
    if (this.profile.loss > 0) return
    for (const connection of this.#connections) {
      if (connection.joins(from, to)) connection.close('lost', () => this.#keepAliveMs())
    }
  }

  heal(from: string, to: string): void {
    this.#cuts.delete(`${from}>${to}`)
  }

  healAll(): void {
    this.#cuts.clear()
  }

  /** Everything on this path takes so many times as long. */
  slowDown(from: string, to: string, factor: number): void {
    this.#slow.set(`${from}>${to}`, factor)
  }

  /** This path takes so many bytes in a millisecond, one after the other. */
  narrow(from: string, to: string, bytesPerMs: number): void {
    this.#caps.set(`${from}>${to}`, bytesPerMs)
  }

  /** No path is slower or narrower than the others. */
  widenAll(): void {
    this.#slow.clear()
    this.#caps.clear()
  }

  slownessOf(from: string, to: string): number {
    return this.#slow.get(`${from}>${to}`) ?? 1
  }

  capOf(from: string, to: string): number {
    return this.#caps.get(`${from}>${to}`) ?? 0
  }

  get uneven(): boolean {
    return this.#slow.size + this.#caps.size > 0
  }

  get cutPaths(): number {
    return this.#cuts.size
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from}>${to}`)
  }

  delivered(from: string, to: string, lane: Lane, bytes: Uint8Array): void {
    this.#onDelivery(from, to, lane, bytes)
  }

  /** An existing link breaks without anybody's fault, and is dialled again. */
  breakLinks(a: string, b: string): void {
    for (const connection of this.#connections) if (connection.joins(a, b)) connection.close('lost', () => this.latencyMs())
  }

  /** The same, but one side does not notice before its keep-alive ends. */
  breakLinksAt(noticing: string, other: string): void {
    for (const connection of this.#connections) {
      if (connection.joins(noticing, other)) connection.breakAt(noticing, () => this.#keepAliveMs())
    }
  }

  /** Whether a node that lost a link hears that its peer's port refuses. */
  hintArrives(): boolean {
    if (!chance(this.random, this.profile.missedHint)) return true
    this.counters.missedHints++
    return false
  }

  latencyMs(): number {
    return randomBetween(this.random, this.profile.latencyMinMs * 1000, this.profile.latencyMaxMs * 1000) / 1000
  }

  redialMs(): number {
    return randomBetween(this.random, this.profile.redialMinMs * 1000, this.profile.redialMaxMs * 1000) / 1000
  }

  /** The end of a dial: a link, a refusal because nobody listens, silence, or a machine that answers without its process. */
  dial(dialer: SimHost, to: string): 'linked' | 'refused' | 'unreachable' | 'stalled' | 'mismatch' {
    if (this.isCut(dialer.endpointId, to) || this.isCut(to, dialer.endpointId)) return 'unreachable'
    const host = this.#hosts.get(to)
    if (host === undefined || !host.life.alive) {
      if (!this.#powered.has(to)) return 'unreachable'
      this.counters.refusals++
      return 'refused'
    }
    if (host.life.paused) return 'stalled'
    if (!fit(dialer.claims, host.claims)) return 'mismatch'
    this.#link(dialer, host)
    return 'linked'
  }

  #link(a: Endpoint, b: Endpoint): void {
    this.#connections = this.#connections.filter((connection) => connection.alive)
    if (this.#connections.some((connection) => connection.joins(a.endpointId, b.endpointId))) return
    this.counters.linksOpened++
    this.#connections.push(new Connection(this, () => this.#scheduler.now, a, b))
  }

  #connectionsOf(endpointId: string): Connection[] {
    return this.#connections.filter((connection) => connection.joins(endpointId, endpointId))
  }

  #keepAliveMs(): number {
    return randomBetween(this.random, this.profile.keepAliveMinMs, this.profile.keepAliveMaxMs)
  }
}

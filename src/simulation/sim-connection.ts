/**
 * One live link between two hosts. Each side opens and closes on its own time; what is on the way when a side
 * closes is lost. Two lanes each way keep their order, unless the network is a lossy one.
 */
import { chance, randomBetween } from '../lib/index.ts'
import type { Random } from '../lib/index.ts'
import { MAX_LINK_QUEUE_BYTES } from '../limits.ts'
import { ATTENDANCE_CHANNEL, RAFT_CHANNEL } from '../ports/index.ts'
import type { ChannelKind, Claims, Lane, LinkedPeer, LinkEnd } from '../ports/index.ts'
import type { Life } from './life.ts'

export interface NetworkProfile {
  readonly latencyMinMs: number
  readonly latencyMaxMs: number
  /** 0: size does not matter. */
  readonly bytesPerMs: number
  /** How long a silent link lives. */
  readonly keepAliveMinMs: number
  readonly keepAliveMaxMs: number
  /** Between two attempts to dial a peer. */
  readonly redialMinMs: number
  readonly redialMaxMs: number
  /** How likely a node is not to hear that the port of a peer, whose link it lost, refuses. */
  readonly missedHint: number
  /** Worse than any link we use: single messages vanish, double and overtake each other. */
  readonly loss: number
  readonly duplication: number
  readonly reordering: number
}

export interface NetworkCounters {
  messages: number
  bytes: number
  lost: number
  duplicated: number
  reordered: number
  linksOpened: number
  linksLost: number
  /** Messages on a channel that nobody was attached to. */
  unclaimed: number
  refusals: number
  /** Refusals that a node with a lost link did not hear of. */
  missedHints: number
  /** Messages that took a path slowed down or narrowed. */
  slowed: number
  queued: number
}

/** What a connection needs to know of the host at its end. */
export interface Endpoint {
  readonly endpointId: string
  readonly life: Life
  claims: Claims
  opened(connection: Connection, peer: LinkedPeer): void
  claimed(peer: LinkedPeer): void
  closed(connection: Connection, peer: string, end: LinkEnd): void
  message(peer: string, bytes: Uint8Array): void
}

/** The parts of the network that a connection asks. */
export interface Medium {
  readonly profile: NetworkProfile
  readonly random: Random
  readonly counters: NetworkCounters
  isCut(from: string, to: string): boolean
  /** By how much this path is slower than others; 1 for most. */
  slownessOf(from: string, to: string): number
  /** Bytes that this path takes in a millisecond, one after the other; 0 for no bound. */
  capOf(from: string, to: string): number
  /** Links promise to carry a message at most once. Who does not rely on it may get it twice. */
  mayDouble(bytes: Uint8Array): boolean
  delivered(from: string, to: string, lane: Lane, bytes: Uint8Array): void
}

interface Side {
  readonly host: Endpoint
  state: 'opening' | 'open' | 'closed'
  /** What the other side was told of this host when the link opened there. */
  said: Claims | null
  /** Bytes on their way to this side. */
  inFlightBytes: number
  /** The same, by channel. */
  readonly inFlightByChannel: number[]
  readonly laneFreeAt: Record<Lane, number>
  /** What is sent from now on does not arrive before this: there is a notice on its way. */
  noticeAt: number
  /** When what was sent through a narrow path has passed it. Lanes do not wait for each other, as frames are small. */
  readonly pathFreeAt: Record<Lane, number>
}

export class Connection {
  readonly #medium: Medium
  readonly #sides: readonly [Side, Side]
  readonly #now: () => number

  constructor(medium: Medium, now: () => number, a: Endpoint, b: Endpoint) {
    this.#medium = medium
    this.#now = now
    const side = (host: Endpoint): Side => ({
      host,
      state: 'opening',
      said: null,
      inFlightBytes: 0,
      inFlightByChannel: [],
      noticeAt: 0,
      laneFreeAt: { priority: 0, normal: 0, bulk: 0 },
      pathFreeAt: { priority: 0, normal: 0, bulk: 0 },
    })
    this.#sides = [side(a), side(b)]
    for (const at of this.#sides) this.#open(at)
  }

  /** Usable by both, or about to be. */
  get alive(): boolean {
    return this.#sides.every(({ state, host }) => state !== 'closed' && host.life.alive)
  }

  joins(a: string, b: string): boolean {
    return this.#sides.some(({ host }) => host.endpointId === a) && this.#sides.some(({ host }) => host.endpointId === b)
  }

  /** The life of a node that this host is linked to. */
  lifeBeyond(host: Endpoint): Life {
    return this.#oriented(host)[1].host.life
  }

  send(from: Endpoint, bytes: Uint8Array, lane: Lane, kind: ChannelKind): boolean {
    const [sender, receiver] = this.#oriented(from)
    if (sender.state !== 'open' || receiver.inFlightBytes + bytes.length > MAX_LINK_QUEUE_BYTES) return false
    if ((receiver.inFlightByChannel[kind.id] ?? 0) + bytes.length > kind.maxQueueBytes) return false
    const { profile, random, counters } = this.#medium
    counters.messages++
    counters.bytes += bytes.length
    const isCut = this.#medium.isCut(from.endpointId, receiver.host.endpointId)
    const isConsensus = kind.id === RAFT_CHANNEL.id
    if (kind.id === ATTENDANCE_CHANNEL.id) {
      if (isCut) this.close('lost', () => profile.keepAliveMaxMs)
      else this.#deliverNotice(sender, receiver, bytes, lane)
      return true
    }
    if (isCut || (isConsensus && chance(random, profile.loss))) {
      counters.lost++
      return true
    }
    if (!isConsensus) {
      this.#deliverAside(sender, receiver, bytes, lane)
      return true
    }
    this.#deliver(sender, receiver, bytes, lane)
    if (chance(random, profile.duplication) && this.#medium.mayDouble(bytes.subarray(1))) {
      counters.duplicated++
      this.#deliver(sender, receiver, bytes, lane)
    }
    return true
  }

  /** Says new claims: what was sent before arrives before, what is sent later arrives later. */
  announce(from: Endpoint): void {
    const [sender, receiver] = this.#oriented(from)
    if (sender.state !== 'open') return
    const { claims, endpointId } = from
    const { laneFreeAt } = receiver
    const at = Math.max(this.#now() + this.#latencyMs(0), laneFreeAt.priority, laneFreeAt.normal, laneFreeAt.bulk)
    Object.assign(laneFreeAt, { priority: at, normal: at, bulk: at })
    receiver.host.life.after(at - this.#now(), () => {
      if (receiver.state === 'open') receiver.host.claimed({ endpointId, claims })
    })
  }

  /** Both sides learn that the link is gone, each after its own delay. */
  close(end: LinkEnd, delayMs: () => number): void {
    for (const side of this.#sides) side.host.life.after(delayMs(), () => this.#close(side, end))
  }

  /** One side ends it: it says and hears nothing more, and the other learns so behind what it was sent. */
  finish(host: Endpoint, delayMs: number): void {
    const [own, other] = this.#oriented(host)
    own.state = 'closed'
    const { priority, normal, bulk } = other.laneFreeAt
    const at = Math.max(this.#now() + delayMs, priority, normal, bulk)
    other.host.life.after(at - this.#now(), () => this.#close(other, 'graceful'))
  }

  /** One side learns it at once, the other when a keep-alive stays unanswered. */
  breakAt(endpointId: string, keepAliveMs: () => number): void {
    for (const side of this.#sides) {
      const delayMs = side.host.endpointId === endpointId ? 0 : keepAliveMs()
      side.host.life.after(delayMs, () => this.#close(side, 'lost'))
    }
  }

  /** One side learns it now. */
  closeAt(host: Endpoint, end: LinkEnd): void {
    this.#close(this.#oriented(host)[0], end)
  }

  #open(side: Side): void {
    side.host.life.after(this.#latencyMs(0), () => {
      if (side.state === 'opening') this.#openNow(side)
    })
  }

  #close(side: Side, end: LinkEnd): void {
    if (side.state === 'closed') return
    const wasOpen = side.state === 'open'
    side.state = 'closed'
    if (end === 'lost') this.#medium.counters.linksLost++
    if (wasOpen) side.host.closed(this, this.#other(side).host.endpointId, end)
  }

  #deliver(sender: Side, receiver: Side, bytes: Uint8Array, lane: Lane): void {
    const { profile, random, counters } = this.#medium
    const overtakes = chance(random, profile.reordering)
    if (overtakes) counters.reordered++
    const now = this.#now()
    const onPath = this.#pathMs(sender, receiver, bytes.length, lane)
    const delay = onPath + this.#latencyMs(bytes.length) * this.#slowness(sender, receiver) * (overtakes ? 5 : 1)
    const at = overtakes ? Math.max(now + delay, receiver.noticeAt) : Math.max(now + delay, receiver.laneFreeAt[lane])
    if (!overtakes) receiver.laneFreeAt[lane] = at
    this.#inFlight(receiver, bytes, 1)
    receiver.host.life.after(at - now, () => this.#arrive(sender, receiver, bytes, lane))
  }

  /** What nodes say beside consensus takes as long as anything may, and draws nothing: no run of consensus is another one for it. */
  #deliverAside(sender: Side, receiver: Side, bytes: Uint8Array, lane: Lane): void {
    this.#inFlight(receiver, bytes, 1)
    receiver.host.life.after(this.#medium.profile.latencyMaxMs, () => this.#arrive(sender, receiver, bytes, lane))
  }

  /** Behind all that was sent before, and before all that is sent later; nothing loses it but the end of the link. */
  #deliverNotice(sender: Side, receiver: Side, bytes: Uint8Array, lane: Lane): void {
    const { laneFreeAt } = receiver
    const { latencyMaxMs } = this.#medium.profile
    const at = Math.max(this.#now() + latencyMaxMs, laneFreeAt.priority, laneFreeAt.normal, laneFreeAt.bulk)
    Object.assign(laneFreeAt, { priority: at, normal: at, bulk: at })
    receiver.noticeAt = at
    this.#inFlight(receiver, bytes, 1)
    receiver.host.life.after(at - this.#now(), () => this.#arrive(sender, receiver, bytes, lane))
  }

  #arrive(sender: Side, receiver: Side, bytes: Uint8Array, lane: Lane): void {
    this.#inFlight(receiver, bytes, -1)
    // The first words may overtake the handshake's last: they wait for it.
    if (receiver.state === 'opening') this.#openNow(receiver)
    if (receiver.state !== 'open') return
    // What consensus says is what the world listens in on; the first byte is the channel's number.
    if (bytes[0] === RAFT_CHANNEL.id) {
      this.#medium.delivered(sender.host.endpointId, receiver.host.endpointId, lane, bytes.subarray(1))
    }
    receiver.host.message(sender.host.endpointId, bytes.slice())
  }

  #inFlight(receiver: Side, bytes: Uint8Array, sign: 1 | -1): void {
    const channel = bytes[0] ?? 0
    receiver.inFlightBytes += sign * bytes.length
    receiver.inFlightByChannel[channel] = (receiver.inFlightByChannel[channel] ?? 0) + sign * bytes.length
  }

  #openNow(side: Side): void {
    const other = this.#other(side)
    const { endpointId, claims } = other.host
    side.state = 'open'
    other.said = claims
    side.host.opened(this, { endpointId, claims })
    // Claims that changed while the link was open at one end only.
    if (side.said !== null && side.said !== side.host.claims) this.announce(side.host)
  }

  /** How long a message is on a narrow path, behind what was sent before it; 0 on any other. */
  #pathMs(sender: Side, receiver: Side, size: number, lane: Lane): number {
    const cap = this.#medium.capOf(sender.host.endpointId, receiver.host.endpointId)
    if (cap === 0) return 0
    this.#medium.counters.queued++
    const now = this.#now()
    const passed = Math.max(now, receiver.pathFreeAt[lane]) + size / cap
    receiver.pathFreeAt[lane] = passed
    return passed - now
  }

  #slowness(sender: Side, receiver: Side): number {
    const slowness = this.#medium.slownessOf(sender.host.endpointId, receiver.host.endpointId)
    if (slowness > 1) this.#medium.counters.slowed++
    return slowness
  }

  #latencyMs(size: number): number {
    const { latencyMinMs, latencyMaxMs, bytesPerMs } = this.#medium.profile
    const transfer = bytesPerMs === 0 ? 0 : size / bytesPerMs
    return transfer + randomBetween(this.#medium.random, latencyMinMs * 1000, latencyMaxMs * 1000) / 1000
  }

  #other(side: Side): Side {
    return side === this.#sides[0] ? this.#sides[1] : this.#sides[0]
  }

  #oriented(from: Endpoint): [Side, Side] {
    const [a, b] = this.#sides
    return a.host === from ? [a, b] : [b, a]
  }
}

/** Two clusters never talk; a node without one talks to all. */
export function fit(a: Claims, b: Claims): boolean {
  return a.clusterId === null || b.clusterId === null || a.clusterId === b.clusterId
}

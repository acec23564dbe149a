/** A node of which there is only what finds others: its links, its peer book, whom it dials, and what it says and hears of peers. */
import type { Prng } from '../../src/lib/index.ts'
import {
  DialPolicy,
  GossipDiscovery,
  hintOfLink,
  PeerBook,
  PeerExchange,
  standingOf,
  ASKED_FOR_RANK,
} from '../../src/peers/index.ts'
import type { GossipHost, PeerHint, PeerSource, Self } from '../../src/peers/index.ts'
import { GOSSIP_CHANNEL, RAFT_CHANNEL } from '../../src/ports/index.ts'
import type { ChannelHandler, ChannelKind, LinkedPeer, Transport } from '../../src/ports/index.ts'
import { forkPrng, Life, nodeIdOfSimEndpoint, simEndpointId, simSignatures } from '../../src/simulation/index.ts'
import type { Scheduler, SimNetwork } from '../../src/simulation/index.ts'
import { chance } from '../../src/lib/index.ts'

/** 2026, in milliseconds since 1970. */
export const EPOCH = 1_767_225_600_000
export const TOPIC: Uint8Array = new Uint8Array(32).fill(7)

export interface GossipNodeOptions {
  readonly id: number
  readonly seed: number
  readonly scheduler: Scheduler
  readonly network: SimNetwork
  /** How likely a message of gossip is lost although its link lives on: its queue was full. */
  readonly loss: () => number
  /** Whom it is told of at its start, and by whom. */
  readonly told: readonly (readonly [id: number, source: PeerSource])[]
  /** By how much its clock differs from the others', in milliseconds. */
  readonly skewMs?: number
  readonly clusterId?: string | null
}

export const hintOf = (id: number): PeerHint => ({
  endpointId: simEndpointId(id),
  nodeId: id,
  addresses: [`10.0.${Math.floor(id / 250)}.${id % 250}:26000`],
})

export class GossipNode implements GossipHost {
  readonly isSound = true
  readonly id: number
  readonly endpointId: string
  readonly life: Life
  readonly transport: Transport
  readonly book: PeerBook
  readonly policy: DialPolicy
  readonly gossip: GossipDiscovery
  /** Bytes of everything that it was sent over its links. */
  receivedBytes = 0
  /** Where it says that it can be dialled. */
  addresses: readonly string[]
  readonly #exchange: PeerExchange
  readonly #options: GossipNodeOptions
  readonly #random: Prng

  constructor(options: GossipNodeOptions) {
    const { id, seed, scheduler, network, skewMs = 0, clusterId = null } = options
    this.#options = options
    this.id = id
    this.endpointId = simEndpointId(id)
    this.life = new Life(scheduler, `n${id}`)
    this.addresses = hintOf(id).addresses
    this.#random = forkPrng(seed, `gossip ${id} from ${scheduler.now}`)
    const { clock } = this.life
    const random = forkPrng(seed, `dials ${id} from ${scheduler.now}`)
    this.transport = this.#counted(network.attach(this.endpointId, this.life))
    const { transport } = this
    this.book = new PeerBook({ now: () => clock.now() })
    const { book } = this
    this.policy = new DialPolicy({ nodeId: id, book, transport, clock, random, refused: () => undefined })
    this.gossip = new GossipDiscovery({
      nodeId: id,
      links: transport,
      clock,
      random: this.#random,
      signatures: simSignatures(this.endpointId),
      topic: TOPIC,
      wallClock: () => EPOCH + scheduler.now + skewMs,
      host: this,
    })
    this.#exchange = new PeerExchange({
      nodeId: id,
      book,
      links: transport,
      clock,
      heard: (hint) => void book.add(hint, 'hearsay'),
      gossip: this.gossip,
      isSound: () => true,
      clusterId: () => clusterId,
      absentSince: () => null,
      toldAbsent: () => undefined,
    })
  }

  start(): void {
    const { told, clusterId = null } = this.#options
    for (const [id, source] of told) this.book.add(hintOf(id), source)
    this.transport.attach(RAFT_CHANNEL, this.#listener)
    this.policy.start()
    this.gossip.start()
    this.#exchange.start()
    const claims = { nodeId: this.id, clusterId, addresses: this.addresses, languageVersion: 1 }
    this.transport.start(claims).catch(cannotBe)
  }

  move(addresses: readonly string[]): void {
    this.addresses = addresses
    this.transport.announce({ addresses })
  }

  get capacity(): number {
    return this.book.capacity
  }

  get clusterId(): string | null {
    return this.#options.clusterId ?? null
  }

  self(): Self {
    return { clusterId: this.clusterId, addresses: this.addresses, relay: null }
  }

  heard(hint: PeerHint): void {
    this.book.add(hint, 'gossip')
  }

  displaced(endpointId: string): void {
    this.book.withdraw(endpointId, 'gossip')
  }

  isNamed(endpointId: string): boolean {
    const entry = this.book.get(endpointId)
    return entry !== undefined && standingOf(entry) >= ASKED_FOR_RANK
  }

  warn(): void {}

  /** Of whom it could say where they are. */
  get knows(): ReadonlySet<string> {
    return new Set(this.book.entries().map(({ endpointId }) => endpointId))
  }

  get linked(): ReadonlySet<number> {
    const linked = this.transport.peers().filter(({ state }) => state === 'connected')
    return new Set(linked.map(({ endpointId }) => nodeIdOfSimEndpoint(endpointId)))
  }

  /** What a replica tells of its links. */
  get #listener(): ChannelHandler {
    const note = (peer: LinkedPeer): void => void this.book.add(hintOfLink(peer), 'link')
    return { opened: note, claimed: note, closed: () => undefined, refused: () => undefined, message: () => undefined }
  }

  /** Counts what comes, and loses some of what gossip says. */
  #counted(transport: Transport): Transport {
    const attach = (kind: ChannelKind, handler: ChannelHandler): ReturnType<Transport['attach']> => {
      const channel = transport.attach(kind, {
        opened: (peer) => handler.opened(peer),
        claimed: (peer) => handler.claimed(peer),
        closed: (peer, end) => handler.closed(peer, end),
        refused: (peer) => handler.refused(peer),
        message: (from, bytes) => {
          this.receivedBytes += bytes.length + 1
          handler.message(from, bytes)
        },
      })
      if (kind.id !== GOSSIP_CHANNEL.id) return channel
      const loses = (): boolean => this.#options.loss() > 0 && chance(this.#random, this.#options.loss())
      return { detach: () => channel.detach(), send: (to, parts, lane) => !loses() && channel.send(to, parts, lane) }
    }
    return { ...transport, attach }
  }
}

/** A simulated transport starts. */
export function cannotBe(error: unknown): never {
  throw error
}

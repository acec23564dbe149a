/** Two nodes, two paths between them that change, and a load: in virtual time, from a seed. */
import assert from 'node:assert/strict'
import { Prng, randomBetween } from '../../src/lib/index.ts'
import { LinkReports, surface } from '../../src/net/link/index.ts'
import { PathsTransport } from '../../src/net/paths/index.ts'
import { noMetrics, PEERS_CHANNEL, RAFT_CHANNEL, silentLogger } from '../../src/ports/index.ts'
import type { Channel, ChannelHandler, ChannelKind, Lane, PathKind } from '../../src/ports/index.ts'
import { ManualClock } from '../manual-clock.ts'
import { SimPath } from './sim-path.ts'

export const KEEP_ALIVE_MS = 250
const STEP_MS = 5
/** Turns of the event loop in which streams and promises pass on what a step has begun. */
const TURNS = 4
const LANES: readonly Lane[] = ['priority', 'normal', 'bulk']
const CHANNELS: readonly ChannelKind[] = [RAFT_CHANNEL, PEERS_CHANNEL]
const MESSAGE_SIZES = [8, 200, 3_000] as const

/** An address that iroh does not reach. */
export const DIRECT_ONLY = 'direct-only.sim:1'

export interface SimNode {
  readonly name: string
  readonly id: string
  readonly transport: PathsTransport
  /** What it was told of its peers on the channel of consensus, but for messages. */
  readonly history: string[]
  readonly received: () => number
  /** Sends a message on some channel and lane. */
  talk(random: Prng, to: string): void
}

/** Hears one channel, and holds what it hears to the order in which it was sent. */
class Ear implements ChannelHandler {
  readonly history: string[] = []
  received = 0
  #open = new Set<string>()
  /** By sender and lane, the last number. Numbers grow for as long as the sender lives, over all of its links. */
  readonly #last = new Map<string, number>()
  /** Lanes that something has come on over the link there is: from then on, nothing is missing. */
  readonly #begun = new Set<string>()

  opened({ endpointId }: { readonly endpointId: string }): void {
    assert.ok(!this.#open.has(endpointId), 'opened while open')
    this.#open.add(endpointId)
    this.#begun.clear()
    this.history.push('opened')
  }

  claimed(): void {}

  closed(endpointId: string, end: string): void {
    assert.ok(this.#open.delete(endpointId), 'closed while closed')
    this.history.push(end)
  }

  refused(): void {
    this.history.push('refused')
  }

  message(endpointId: string, bytes: Uint8Array): void {
    assert.ok(this.#open.has(endpointId), 'a message without a link')
    this.received++
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const [lane, number] = [view.getUint8(0), view.getUint32(1)]
    const key = `${endpointId} ${lane}`
    const last = this.#last.get(key) ?? 0
    assert.ok(number > last, `message ${number} came after ${last} on lane ${LANES[lane]}: it overtook, or came twice`)
    assert.ok(
      number === last + 1 || !this.#begun.has(key),
      `message ${number} came after ${last} over one link: some are missing`,
    )
    this.#begun.add(key)
    this.#last.set(key, number)
  }
}

export class PathWorld {
  readonly clock = new ManualClock()
  readonly random: Prng
  readonly direct: SimPath
  readonly iroh: SimPath
  readonly nodes: SimNode[] = []

  constructor(seed: number) {
    this.random = new Prng(seed)
    this.direct = new SimPath('direct', this.clock, randomBetween(this.random, 1, 3) * STEP_MS)
    this.iroh = new SimPath('iroh', this.clock, randomBetween(this.random, 1, 10) * STEP_MS)
  }

  async start(name: string, fallbackAtStart = true): Promise<SimNode> {
    const id = name.repeat(64)
    const transport = new PathsTransport({
      endpointId: id,
      cookie: 'cookie',
      scryptCost: 2,
      reports: new LinkReports(silentLogger, noMetrics),
      random: new Prng(this.random.nextUint32()),
      clock: this.clock,
      keepAliveMs: KEEP_ALIVE_MS,
      carriers: [this.direct.carrier(id)],
      fallback: { carrier: this.iroh.carrier(id), atStart: fallbackAtStart, forUnreached: true },
    })
    const ears = CHANNELS.map(() => new Ear())
    const channels = CHANNELS.map((kind, i): Channel => transport.attach(kind, ears[i] as Ear))
    await transport.start({ nodeId: 1, clusterId: null, addresses: [], languageVersion: 1 })
    const numbers = new Map<number, number>()
    const node: SimNode = {
      name,
      id,
      transport,
      history: (ears[0] as Ear).history,
      received: () => ears.reduce((sum, ear) => sum + ear.received, 0),
      talk: (random, to) => {
        const [channel, lane] = [randomBetween(random, 0, CHANNELS.length - 1), randomBetween(random, 0, LANES.length - 1)]
        // A channel whose best lane is not as good sends on that one.
        const topLane = LANES.indexOf((CHANNELS[channel] as ChannelKind).topLane)
        const taken = Math.max(lane, topLane)
        const key = channel * LANES.length + taken
        const number = (numbers.get(key) ?? 0) + 1
        const bytes = new Uint8Array(MESSAGE_SIZES[randomBetween(random, 0, MESSAGE_SIZES.length - 1)] as number)
        const view = new DataView(bytes.buffer)
        view.setUint8(0, taken)
        view.setUint32(1, number)
        if (channels[channel]?.send(to, [bytes], LANES[taken] as Lane) === true) numbers.set(key, number)
      },
    }
    this.nodes.push(node)
    return node
  }

  /** Each of them keeps a link to the other. */
  introduce(address = 'sim:1', who: (from: SimNode) => boolean = () => true): void {
    for (const from of this.nodes.filter(who)) {
      for (const { id } of this.nodes) from.transport.connect({ endpointId: id, addresses: [address], relay: null })
    }
  }

  /** Time passes, and everybody talks. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      for (const from of this.nodes) {
        for (const to of this.nodes) if (to !== from && this.random.nextUint32() % 2 === 0) from.talk(this.random, to.id)
      }
      this.clock.advance(STEP_MS)
      for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** What carries the link of a node to its only peer. */
  pathOf(node: SimNode): PathKind | null {
    return node.transport.peers()[0]?.path ?? null
  }

  async close(): Promise<void> {
    const closing = Promise.all(this.nodes.map(({ transport }) => transport.close()))
    let isClosed = false
    surface(closing.then(() => (isClosed = true)))
    for (let i = 0; i < 10_000 && !isClosed; i++) await this.pass(STEP_MS)
    await closing
  }
}

/** Many nodes that find each other over a simulated network, which can be cut and healed. */
import { randomBetween } from '../../src/lib/index.ts'
import { forkPrng, RELIABLE_NETWORK, Scheduler, SimNetwork } from '../../src/simulation/index.ts'
import { simEndpointId } from '../../src/simulation/index.ts'
import type { PeerSource } from '../../src/peers/index.ts'
import { GossipNode } from './gossip-node.ts'
import type { GossipNodeOptions } from './gossip-node.ts'

export interface GossipWorldOptions {
  readonly seed: number
  readonly nodes: number
  /** Whom a node is told of at its start; when absent, of one that started before it, drawn from the seed. */
  readonly told?: (id: number) => readonly (readonly [id: number, source: PeerSource])[]
  /** Who told it; a person when absent. */
  readonly source?: PeerSource
  readonly skewMs?: (id: number) => number
}

export class GossipWorld {
  readonly seed: number
  readonly scheduler = new Scheduler()
  readonly network: SimNetwork
  readonly nodes: GossipNode[] = []
  /** How likely a message of gossip is lost from now on. */
  loss = 0
  readonly #options: GossipWorldOptions

  constructor(options: GossipWorldOptions) {
    const { seed, nodes, source = 'peers' } = options
    this.#options = options
    this.seed = seed
    // Redials are as far apart as those of real links at most are.
    const profile = { ...RELIABLE_NETWORK, redialMinMs: 1_000, redialMaxMs: 2_000 }
    this.network = new SimNetwork(this.scheduler, forkPrng(seed, 'gossip network'), profile)
    const random = forkPrng(seed, 'acquaintances')
    const earlier = (id: number): GossipNodeOptions['told'] => (id === 1 ? [] : [[randomBetween(random, 1, id - 1), source]])
    for (let id = 1; id <= nodes; id++) this.nodes.push(this.create(id, (options.told ?? earlier)(id)))
  }

  create(id: number, told: GossipNodeOptions['told']): GossipNode {
    const { seed, skewMs = () => 0 } = this.#options
    const { scheduler, network } = this
    return new GossipNode({ id, seed, scheduler, network, told, loss: () => this.loss, skewMs: skewMs(id) })
  }

  start(): void {
    for (const node of this.nodes) node.start()
  }

  run(ms: number): void {
    const until = this.scheduler.now + ms
    while (this.scheduler.step(until));
  }

  /** Until it holds; how long that took, or null when it does not within the limit. */
  until(holds: () => boolean, limitMs: number, stepMs = 250): number | null {
    const start = this.scheduler.now
    while (!holds()) {
      if (this.scheduler.now - start >= limitMs) return null
      this.run(stepMs)
    }
    return this.scheduler.now - start
  }

  /** Nobody on one side hears anybody on the other. */
  cut(isLeft: (id: number) => boolean): void {
    for (const a of this.nodes) {
      for (const b of this.nodes) if (isLeft(a.id) !== isLeft(b.id)) this.network.cut(simEndpointId(a.id), simEndpointId(b.id))
    }
  }

  heal(): void {
    this.network.healAll()
  }

  /** Whether everybody knows everybody, of those that there are. */
  get isMutual(): boolean {
    return this.nodes.every(({ id, knows }) => this.nodes.every((other) => other.id === id || knows.has(other.endpointId)))
  }

  /** Whether everybody is linked with everybody, over others. */
  get isWhole(): boolean {
    const reached = new Set<number>([1])
    const waiting = [1]
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      for (const next of this.nodes[id - 1]?.linked ?? []) {
        if (next > this.nodes.length || reached.has(next)) continue
        reached.add(next)
        waiting.push(next)
      }
    }
    return reached.size === this.nodes.length
  }

  /** Bytes that a node is sent in a second, on average over so long; the most of any node. */
  restBytes(ms: number): { readonly mean: number; readonly most: number } {
    const before = this.nodes.map(({ receivedBytes }) => receivedBytes)
    this.run(ms)
    const rates = this.nodes.map(({ receivedBytes }, at) => ((receivedBytes - (before[at] ?? 0)) * 1_000) / ms)
    return { mean: rates.reduce((sum, rate) => sum + rate, 0) / rates.length, most: Math.max(...rates) }
  }
}

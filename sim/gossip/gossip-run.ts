/**
 * One seed of gossip: nodes find each other while messages are lost and some lie; a cut goes through them, an address changes, a node is started
 * again with a clock that went back; and at the end everybody knows everybody, nobody believes a liar, and the links make one whole.
 */
import { chance, pick, randomBetween } from '../../src/lib/index.ts'
import type { Prng } from '../../src/lib/index.ts'
import { MAX_PEERS, MAX_PEERS_BY_NEIGHBOUR, STRANGER_EXPIRY_MS } from '../../src/limits.ts'
import { forkPrng, nodeIdOfSimEndpoint } from '../../src/simulation/index.ts'
import type { GossipNode } from './gossip-node.ts'
import { GossipWorld } from './gossip-world.ts'
import { INVENTED_FROM, Liar, LIARS_ADDRESS, LIES } from './liar.ts'
import type { Lie } from './liar.ts'

/** The bounds that must hold. */
export const MUTUAL_MS = 30_000
export const MERGED_MS = 5_000
export const REST_BYTES = 4_096
/** So many nodes are all linked with each other. */
const ALL_LINKED = 24

export interface GossipReport {
  readonly nodes: number
  readonly lies: readonly Lie[]
  readonly mutualMs: number
  readonly movedMs: number
  readonly mergedMs: number
  readonly restBytes: number
  /** Of everything that happened: two runs of one seed have the same. */
  readonly events: number
}

export class GossipFailure extends Error {
  override readonly name = 'GossipFailure'
}

export interface GossipRunOptions {
  readonly seed: number
  /** Drawn when absent. */
  readonly nodes?: number
  readonly lies?: readonly Lie[]
  readonly loss?: number
  readonly cutMs?: number
}

export function runGossip(options: GossipRunOptions): GossipReport {
  const { seed } = options
  const random = forkPrng(seed, 'gossip run')
  const { nodes = randomBetween(random, 3, 24), loss = randomBetween(random, 0, 20) / 100 } = options
  const { lies = LIES.filter(() => randomBetween(random, 0, 2) === 0), cutMs = drawCut(random) } = options
  const source = chance(random, 0.5) ? 'peers' : 'mdns'
  // Clocks of honest nodes are some seconds apart.
  const world = new GossipWorld({ seed, nodes, source, skewMs: (id) => ((id * 7919) % 11_000) - 5_500 })
  world.loss = loss
  world.start()
  const liars = lies.map((lie, at) => ({ lie, liar: new Liar(world, nodes + at + 1, lie) }))
  liars.forEach(({ liar }, at) => liar.start(nodes + at + 1, randomBetween(random, 1, 5)))
  const mutualMs = acquainted(world, lies)
  const movedMs = hears(world, move(world, pick(random, world.nodes).id))
  const side = new Set(world.nodes.filter(() => randomBetween(random, 0, 1) === 0).map(({ id }) => id))
  world.cut((id) => side.has(id))
  world.run(cutMs / 2)
  const moved = move(world, pick(random, world.nodes).id)
  world.run(cutMs / 2)
  world.heal()
  const mergedMs = within(world, () => world.isWhole, MERGED_MS, `the sides of a cut of ${cutMs} ms merge`)
  hears(world, moved)
  world.loss = 0
  world.run(20_000)
  const { most } = world.restBytes(20_000)
  if (lies.length === 0 && most > REST_BYTES) throw new GossipFailure(`${most} bytes a second at rest: at most ${REST_BYTES}`)
  checkBooks(world, lies)
  return { nodes, lies, mutualMs, movedMs, mergedMs, restBytes: most, events: world.scheduler.executed }
}

/**
 * Everybody knows everybody. Where somebody invents peers, as many as he likes, they take the places that strangers have: then those that are not
 * linked with each other, which is so in large worlds alone, may not know each other, and the links make one whole all the same.
 */
function acquainted(world: GossipWorld, lies: readonly Lie[]): number {
  if (lies.includes('invent') && world.nodes.length > ALL_LINKED)
    return within(world, () => world.isWhole, MUTUAL_MS, 'the links make one whole')
  return within(world, () => world.isMutual, MUTUAL_MS, 'everybody knows everybody')
}

/** Some are longer than peers are remembered that nobody looks for. */
function drawCut(random: Prng): number {
  return chance(random, 0.2) ? STRANGER_EXPIRY_MS + 120_000 : randomBetween(random, 5_000, 300_000)
}

interface Move {
  readonly node: GossipNode
  readonly address: string
}

/** A node is somewhere else from now on. */
function move(world: GossipWorld, id: number): Move {
  const node = world.nodes[id - 1]
  if (node === undefined) throw new GossipFailure(`there is no node ${id}`)
  const address = `10.9.9.9:${26_000 + (Math.floor(world.scheduler.now) % 10_000)}`
  node.move([address])
  return { node, address }
}

/** Everybody hears of it. */
function hears(world: GossipWorld, { node, address }: Move): number {
  const isHeard = (): boolean =>
    world.nodes.every((other) => other === node || other.book.get(node.endpointId)?.addresses.includes(address) === true)
  return within(world, isHeard, MUTUAL_MS, `everybody hears that node ${node.id} has moved`)
}

function within(world: GossipWorld, holds: () => boolean, limitMs: number, what: string): number {
  const took = world.until(holds, limitMs)
  if (took === null) throw new GossipFailure(`${what}: not within ${limitMs} ms`)
  return took
}

/** Nobody believes of an honest node what it has not said, and nobody takes more room than is its own. */
function checkBooks(world: GossipWorld, lies: readonly Lie[]): void {
  const honest = new Set(world.nodes.map(({ endpointId }) => endpointId))
  for (const { id, book } of world.nodes) {
    const entries = book.entries()
    if (entries.length > MAX_PEERS) throw new GossipFailure(`node ${id} knows ${entries.length} peers`)
    for (const { endpointId, addresses } of entries) {
      if (honest.has(endpointId) && addresses.includes(LIARS_ADDRESS))
        throw new GossipFailure(`node ${id} believes what a liar says of node ${nodeIdOfSimEndpoint(endpointId)}`)
    }
    const invented = entries.filter(({ nodeId }) => nodeId !== null && nodeId > INVENTED_FROM).length
    const neighbours = world.nodes.length + lies.length
    if (invented > neighbours * MAX_PEERS_BY_NEIGHBOUR) throw new GossipFailure(`node ${id} knows ${invented} invented peers`)
  }
}

/** What happens to the network of a simulated cluster. */
import { chance, pick, randomBetween } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { SimCluster } from './cluster.ts'
import { RELIABLE_NETWORK } from '../src/simulation/index.ts'
import type { SimNode } from './sim-node.ts'

const HANGING = { stallProbability: 1, stallMs: 2000 }
const SLOW_FACTOR = 20

export class NetworkFaults {
  readonly #cluster: SimCluster
  readonly #random: Random
  #healed = false

  constructor(cluster: SimCluster, random: Random) {
    this.#cluster = cluster
    this.#random = random
  }

  disturb(node: SimNode): void {
    const { partition, brokenLink, flappingPath, slowPath, cappedPath } = this.#cluster.weather
    const { network } = this.#cluster
    const random = this.#random
    const cut = network.cutPaths > 0
    if (cut && chance(random, 0.25)) this.#reunite()
    else if (!cut && chance(random, partition)) this.#partition()
    if (chance(random, brokenLink)) this.#breakLink(node)
    if (chance(random, flappingPath)) this.#flap(node, this.#other(node), randomBetween(random, 4, 30))
    if (network.uneven && chance(random, 0.1)) network.widenAll()
    if (chance(random, slowPath)) network.slowDown(node.endpointId, this.#other(node).endpointId, SLOW_FACTOR)
    if (chance(random, cappedPath)) {
      network.narrow(node.endpointId, this.#other(node).endpointId, pick(random, [10, 50, 200]))
    }
  }

  heal(): void {
    this.#healed = true
    this.#reunite()
    this.#cluster.network.widenAll()
    this.#cluster.network.profile = RELIABLE_NETWORK
  }

  #other(node: SimNode): SimNode {
    return pick(this.#random, this.#cluster.nodes.length > 1 ? this.#cluster.nodes.filter((one) => one !== node) : [node])
  }

  #breakLink(node: SimNode): void {
    const { network, nodes, counters } = this.#cluster
    const peer = pick(this.#random, nodes)
    if (chance(this.#random, 0.5)) network.breakLinks(node.endpointId, peer.endpointId)
    else {
      network.breakLinksAt(node.endpointId, peer.endpointId)
      counters.linksBrokenOnOneSide++
    }
  }

  /** Cut and healed every few milliseconds: what is said meanwhile arrives in part, and no link lives for long. */
  #flap(a: SimNode, b: SimNode, flaps: number): void {
    if (a === b || flaps === 0 || this.#healed) return
    const { network, scheduler, counters } = this.#cluster
    const [from, to] = [a.endpointId, b.endpointId]
    // Who is cut off for longer stays so.
    if (!network.isCut(from, to) && !network.isCut(to, from)) {
      counters.flaps++
      network.cut(from, to)
      if (chance(this.#random, 0.5)) network.cut(to, from)
      scheduler.after(randomBetween(this.#random, 1, 15), () => {
        network.heal(from, to)
        network.heal(to, from)
      })
    }
    scheduler.after(randomBetween(this.#random, 16, 40), () => this.#flap(a, b, flaps - 1))
  }

  /** Often the leader, whose clients then write into a log that nobody will want. */
  #cutOff(): Set<SimNode> {
    const { leader, nodes, weather } = this.#cluster
    if (leader !== undefined && chance(this.#random, 0.5)) {
      // With a disk that hangs, what it writes there is still under way when the others overrule it.
      if (chance(this.#random, 0.5)) for (const disk of leader.disks) disk.profile = { ...weather.disk, ...HANGING }
      return new Set([leader])
    }
    return new Set(nodes.filter(() => chance(this.#random, 0.4)))
  }

  #reunite(): void {
    const { network, nodes, weather } = this.#cluster
    network.healAll()
    for (const { disks } of nodes) for (const disk of disks) disk.profile = weather.disk
  }

  #partition(): void {
    const { network, nodes } = this.#cluster
    const inside = this.#cutOff()
    const oneWay = chance(this.#random, 0.3)
    for (const a of nodes) {
      for (const b of nodes) {
        if (inside.has(a) !== inside.has(b) && (!oneWay || inside.has(a))) network.cut(a.endpointId, b.endpointId)
      }
    }
  }
}
